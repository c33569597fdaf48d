"""`clipbridge devices`: the audio outputs, by the names that --audio-device takes."""

from __future__ import annotations

import argparse
import dataclasses
import json

from bridge.sinks.device import outputs


def main(options: argparse.Namespace) -> int:
    """List what can sound. Raises NoAudio."""
    found = outputs()
    if options.json:
        print(json.dumps([dataclasses.asdict(device) for device in found]))
        return 0
    for device in found:
        mark = "*" if device.is_default else " "
        print(f"{mark} {device.name}  ({device.system}, {device.sample_rate} Hz, {device.channels} channels)")
    print("* is what plays if none is named." if found else "There is no audio output.")
    return 0
