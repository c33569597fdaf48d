"""`clipbridge devices`: the audio outputs and MIDI inputs, with the names for --audio-device and --midi."""

from __future__ import annotations

import argparse
import dataclasses
import json

from bridge.errors import ClipbridgeError
from bridge.frontends import midi
from bridge.player.device import outputs


def main(options: argparse.Namespace) -> int:
    """List outputs and MIDI inputs. Raises NoAudio."""
    devices = outputs()
    try:
        keys, no_midi = midi.inputs(), ""
    except ClipbridgeError as error:
        keys, no_midi = [], str(error)
    if options.json:
        print(json.dumps({"audio": [dataclasses.asdict(device) for device in devices], "midi": keys}))
        return 0
    for device in devices:
        mark = "*" if device.is_default else " "
        print(f"{mark} {device.name}  ({device.system}, {device.sample_rate} Hz, {device.channels} channels)")
    print("* is the default output." if devices else "There is no audio output.")
    print(f"MIDI inputs: {', '.join(keys)}" if keys else no_midi or "There is no MIDI input.")
    return 0
