"""Check audio output in a child process: PortAudio can hang or end its process."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys

from bridge.doctor.check import Check, ok, warning
from bridge.doctor.child import command, environment
from bridge.errors import NoAudio
from bridge.player.device import Device, choose, outputs

DEVICES_TIMEOUT_S = 20.0
FILES_STILL_WORK = "Clips still go to the folder"


def check(name: str) -> Check:
    """Check that there is an audio output that matches `name`. Without one, `sink audio` is refused."""
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
    try:
        chosen = choose(name, devices)
    except NoAudio as error:
        return warning("audio", f"{error} {FILES_STILL_WORK}", "clipbridge devices")
    return ok("audio", f"{chosen.name} ({chosen.system}, {chosen.sample_rate} Hz); {len(devices)} outputs in all")


def main() -> None:
    """Run in the child: print the outputs as one line of JSON, or the reason why they cannot be listed."""
    try:
        print(json.dumps([dataclasses.asdict(device) for device in outputs()]))
    except NoAudio as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
