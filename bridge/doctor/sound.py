"""Check audio outputs in a child process: PortAudio can hang or end its process."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator

from bridge.config import AudioConfig
from bridge.doctor.check import Check, ok, warning
from bridge.doctor.child import command, environment
from bridge.domain.outputs import Pairs, pair_name, pairs_of
from bridge.errors import NoAudio
from bridge.player.choosing import cue_device, main_device
from bridge.player.device import Device, outputs
from bridge.player.layout import layout

DEVICES_TIMEOUT_S = 20.0
FILES_STILL_WORK = "Clips still go to the folder"
LIST = "clipbridge devices"  # with their channels


def check(audio: AudioConfig) -> Iterator[Check]:
    """Check that there is the audio output that the settings name, and what they name for pads and the cue. Without an output,
    `sink audio` is refused."""
    devices = _devices()
    if isinstance(devices, Check):
        yield devices
        return
    pairs, main = pairs_of(audio.cue, audio.pads), None
    try:
        main = main_device(audio.device, pairs, devices)
        yield ok("audio", f"{main.name} ({main.system}, {main.sample_rate} Hz); {len(devices)} outputs in all")
    except NoAudio as error:
        yield warning("audio", f"{error} {FILES_STILL_WORK}", LIST)
    if main is not None:
        yield from _pairs(main, pairs)
    if audio.cue and pairs.cue is None:
        try:
            cue = cue_device(audio.cue, audio.device, devices)
            yield ok("cue", f"{cue.name} ({cue.system}, {cue.sample_rate} Hz)")
        except NoAudio as error:
            yield warning("cue", f"{error} What you audition is refused", LIST)


def _pairs(main: Device, pairs: Pairs) -> Iterator[Check]:
    plan = layout(main, pairs)
    if pairs.pads:
        yield warning("pads", plan.remark, LIST) if plan.remark else ok("pads", _channels(main, pairs.pads))
    if pairs.cue is not None:
        refused = f"{plan.no_cue}. What you audition is refused"
        yield warning("cue", refused, LIST) if plan.no_cue else ok("cue", _channels(main, pairs.cue))


def _channels(device: Device, first: int) -> str:
    return f"channels {pair_name(first)} of {device.name}"


def _devices() -> list[Device] | Check:
    """All outputs, or why none can be used."""
    try:
        child = subprocess.run(
            command("bridge.doctor.sound"), env=environment(), capture_output=True, text=True, errors="replace",
            timeout=DEVICES_TIMEOUT_S, check=False,
        )  # fmt: skip
        devices = [Device(**values) for values in json.loads(child.stdout.splitlines()[-1])]
    except subprocess.TimeoutExpired:
        what = f"PortAudio did not list the audio devices within {DEVICES_TIMEOUT_S:.0f} s. {FILES_STILL_WORK}"
        return warning("audio", what, "Unplug the device that hangs, or restart the machine.")
    except (ValueError, IndexError, KeyError, TypeError):
        last = child.stderr.strip().splitlines()[-1:] or [f"exit code {child.returncode}"]
        return warning("audio", f"{FILES_STILL_WORK}, but cannot be played", last[0][:400])
    if not devices:
        return warning("audio", f"no audio output. {FILES_STILL_WORK}", "Plug one in, or start the sound system.")
    return devices


def main() -> None:
    """Run in the child: print the outputs as one line of JSON, or the reason why they cannot be listed."""
    try:
        print(json.dumps([dataclasses.asdict(device) for device in outputs()]))
    except NoAudio as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
