"""Whether clips can be played: looked at in a child process, because PortAudio can hang or end its process."""

from __future__ import annotations

import json
import subprocess

from bridge.doctor.check import Check, ok, warning
from bridge.doctor.child import command, environment
from bridge.errors import NoAudio
from bridge.player.device import Device, choose

DEVICES_TIMEOUT_S = 20.0
FILES_GO_ON = "Clips go to the folder all the same"


def check(name: str) -> Check:
    """The audio outputs, and whether the one of that name is among them. Without any, `sink audio` is refused."""
    try:
        child = subprocess.run(
            command("bridge", "devices", "--json"), env=environment(), capture_output=True, text=True, errors="replace",
            timeout=DEVICES_TIMEOUT_S, check=False,
        )  # fmt: skip
        there = [Device(**found) for found in json.loads(child.stdout.splitlines()[-1])["audio"]]
    except subprocess.TimeoutExpired:
        what = f"PortAudio did not list the audio devices within {DEVICES_TIMEOUT_S:.0f} s. {FILES_GO_ON}"
        return warning("audio", what, "Unplug the device that hangs, or restart the machine.")
    except (ValueError, IndexError, KeyError, TypeError):
        said = child.stderr.strip().splitlines()[-1:] or [f"exit code {child.returncode}"]
        return warning("audio", f"{FILES_GO_ON}, but cannot be played", said[0].removeprefix("clipbridge: ")[:400])
    if not there:
        return warning("audio", f"there is no audio output. {FILES_GO_ON}", "Plug one in, or start the sound system.")
    try:
        chosen = choose(name, there)
    except NoAudio as error:
        return warning("audio", f"{error} {FILES_GO_ON}", "clipbridge devices")
    return ok("audio", f"{chosen.name} ({chosen.system}, {chosen.sample_rate} Hz); {len(there)} outputs in all")
