"""`clipbridge devices`: the audio outputs and MIDI inputs, with the names for --audio-device and --midi, and the output that the
daemon would use with the same options."""

from __future__ import annotations

import argparse
import dataclasses
import json

from bridge import config
from bridge.commands.settings import settings_of
from bridge.errors import ClipbridgeError
from bridge.frontends import midi
from bridge.player.device import choose, outputs
from bridge.system import output


def main(options: argparse.Namespace) -> int:
    """List outputs and MIDI inputs. Raises NoAudio if there is none, or none of the configured name, and ConfigError."""
    settings = config.load(settings=settings_of(options))
    with output.silenced():
        devices = outputs()
    try:
        keys, no_midi = midi.inputs(settings.midi.api), ""
    except ClipbridgeError as error:
        keys, no_midi = [], str(error)
    if options.json:
        chosen = choose(settings.audio.device, devices).name if devices else ""
        facts = {"audio": [dataclasses.asdict(device) for device in devices], "midi": keys, "chosen": chosen}
        print(json.dumps(facts))
        return 0
    for device in devices:
        mark = "*" if device.is_default else " "
        print(f"{mark} {device.name}  ({device.system}, {device.sample_rate} Hz, {device.channels} channels)")
    print("* is the default output." if devices else "There is no audio output.")
    print(f"MIDI inputs: {', '.join(keys)}" if keys else no_midi or "There is no MIDI input.")
    if settings.midi.port and not any(settings.midi.port in key for key in keys):
        print(f"No MIDI input has {settings.midi.port!r} in its name.")
    if settings.audio.device:
        print(f"The daemon would play through: {choose(settings.audio.device, devices).name}")
    return 0
