"""`clipbridge presets`: list the presets, and broken preset files."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys

from bridge import config
from bridge.presets.files import Presets, shipped_folder


def main(options: argparse.Namespace) -> int:
    """Print all presets. Returns 8 if a file is broken."""
    chosen = config.load()
    presets = Presets(shipped_folder(), chosen.presets)
    available = presets.all().values()
    if options.json:
        plain = [{**dataclasses.asdict(preset), "file": preset.file.as_posix()} for preset in available]
        print(json.dumps({"presets": plain, "faults": presets.faults}))
    else:
        for preset in available:
            own = "  (yours)" if preset.file.parent == chosen.presets else ""
            length = f"{preset.seconds:g} s" if preset.seconds else ""
            example = f': "{preset.example}"' if preset.example else ""
            print(f"{preset.name:<12} {length:>6}  {preset.description}{example}{own}")
        print(f"\nYour own go into {chosen.presets}")
    for fault in presets.faults:
        print(f"clipbridge: skipped a preset: {fault}", file=sys.stderr)
    if presets.faults:
        print("A running Clipbridge still uses the last valid version.", file=sys.stderr)
    return 8 if presets.faults else 0
