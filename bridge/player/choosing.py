"""The devices that the settings name: the main one, which may need further channels, and that of the cue."""

from __future__ import annotations

from bridge.domain.outputs import WIDTH, Pairs
from bridge.errors import NoAudio
from bridge.player.device import Device, choose


def main_device(name: str, pairs: Pairs, available: list[Device]) -> Device:
    """The main device, by a system through which it has these pairs if there is one. Raises NoAudio."""
    highest = max(pairs.pads, pairs.cue or 0)
    return choose(name, available, highest + WIDTH if highest else 0)


def cue_device(name: str, main: str, available: list[Device]) -> Device:
    """The cue's device, which is not `main`, the main one's name. Raises NoAudio."""
    device = choose(name, available)
    try:
        is_main = device.is_same_as(choose(main, available))
    except NoAudio:
        return device  # the main device is missing
    if is_main:
        raise NoAudio(
            f"The cue's device {device.name!r} is the main device, which the audience hears: set audio.cue to another device, or to a "
            "pair of its channels such as 3-4."
        )
    return device
