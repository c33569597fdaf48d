"""`clipbridge doctor`: looks at everything that a clip depends on, and says what to do where something is wrong."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterator

from bridge import __version__
from bridge.doctor.check import Check

SIGNS = {"ok": "ok     ", "warning": "warning", "fault": "FAULT  "}


def main(options: argparse.Namespace) -> int:
    """Print each finding as soon as it is known. Returns 1 if there is a fault."""
    if not options.json:
        # platform.platform() may ask Windows for seconds (cpython #112278).
        print(f"Clipbridge {__version__} on {sys.platform}: looking at everything that a clip depends on", flush=True)
    found: list[Check] = []
    for check in _checks():
        found.append(check)
        if not options.json:
            print(f"{SIGNS[check.state]}  {check.name}: {check.what}")
            if check.mend:
                print(f"         -> {check.mend}")
            sys.stdout.flush()
    faults = sum(check.state == "fault" for check in found)
    if options.json:
        print(json.dumps({"version": __version__, "checks": [dataclasses.asdict(check) for check in found]}))
    else:
        print("All well." if not faults else f"{faults} to mend.")
    return 1 if faults else 0


def _checks() -> Iterator[Check]:
    from bridge.doctor import compute, places, sound, weights

    child = compute.start()
    try:
        yield places.python()
        configured, chosen = places.configuration()
        yield configured
        yield from places.folder(chosen.folder)
        yield from places.cache()
        yield places.memory()
        yield places.port(chosen)
        yield places.presets(chosen)
        yield from places.scripts()
        yield places.log(chosen)
        yield sound.check(chosen.audio.device)
        checks, accelerated = compute.finish(child, chosen.engine.compute)
        yield from checks
        yield weights.checkpoint(chosen.engine.model, accelerated)
    finally:
        child.kill()
