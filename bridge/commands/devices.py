"""`clipbridge devices`: the audio outputs and MIDI inputs, with the names for --audio-device and --midi, and what the daemon would
use with the same options."""

from __future__ import annotations

import argparse
import dataclasses
import json

from bridge import config
from bridge.commands.settings import settings_of
from bridge.config import AudioConfig
from bridge.domain.outputs import pairs_of
from bridge.errors import ClipbridgeError
from bridge.frontends import midi
from bridge.player.choosing import cue_device, main_device
from bridge.player.device import Device, outputs
from bridge.player.layout import layout
from bridge.system import output


def main(options: argparse.Namespace) -> int:
    """List outputs and MIDI inputs. Raises NoAudio if the configured outputs are not among them, and ConfigError."""
    settings = config.load(settings=settings_of(options))
    audio = settings.audio
    with output.silenced():
        devices = outputs()
    try:
        keys, no_midi = midi.inputs(settings.midi.api), ""
    except ClipbridgeError as error:
        keys, no_midi = [], str(error)
    if options.json:
        chosen = main_device(audio.device, pairs_of(audio.cue, audio.pads), devices).name if devices else ""
        facts = {"audio": [dataclasses.asdict(device) for device in devices], "midi": keys, "chosen": chosen}
        print(json.dumps(facts))
        return 0
    for device in devices:
        mark = "*" if device.is_default else " "
        print(f"{mark} {device.name}  ({device.system}, {device.sample_rate} Hz, {_channels(device.channels)})")
    print("* is the default output." if devices else "There is no audio output.")
    print(f"MIDI inputs: {', '.join(keys)}" if keys else no_midi or "There is no MIDI input.")
    if settings.midi.port and not any(settings.midi.port in key for key in keys):
        print(f"No MIDI input has {settings.midi.port!r} in its name.")
    if audio.device or audio.pads or audio.cue:
        _say_what_is_used(audio, devices)
    return 0


def _say_what_is_used(audio: AudioConfig, devices: list[Device]) -> None:
    pairs = pairs_of(audio.cue, audio.pads)
    main = main_device(audio.device, pairs, devices)
    plan = layout(main, pairs)
    print(f"The daemon would play through: {main.name}")
    if pairs.pads:
        print(f"Pads: {plan.remark or 'channels ' + audio.pads}")
    if pairs.cue is not None:
        print(f"Cue: {plan.no_cue or 'channels ' + audio.cue}")
    elif audio.cue:
        print(f"Cue: {cue_device(audio.cue, audio.device, devices).name}")


def _channels(count: int) -> str:
    return "1 channel" if count == 1 else f"{count} channels"
