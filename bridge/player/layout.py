"""Layout: the channels of a device on which each output plays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.domain.outputs import CUE, MAIN, PADS, WIDTH, Pairs, pair_name
from bridge.player.device import Device

NO_CUE = "there is no output for the cue"


@dataclass(frozen=True, slots=True)
class Layout:
    """`channels`: the number to open. `firsts`: the first channel of each output, from 0; without the cue if that must not be
    heard here, and `no_cue` says why. `remark`: where pads play if their pair is missing."""

    channels: int = WIDTH
    firsts: Mapping[str, int] = field(default_factory=lambda: {MAIN: 0, PADS: 0})
    no_cue: str = NO_CUE
    remark: str = ""


MAIN_ALONE = Layout()


def layout(device: Device, pairs: Pairs, missing: str = "") -> Layout:
    """The layout on `device`. A missing pair of the pads is replaced by the main output: no pad may be dead. The cue is never replaced: the
    audience would hear it. `missing`: why this device is not the one whose pairs these are."""
    firsts, no_cue, remark = {MAIN: 0, PADS: 0}, NO_CUE, ""
    if pairs.pads:
        if not (why := missing or _lacks(device, pairs.pads)):
            firsts[PADS] = pairs.pads
        else:
            remark = f"pads play on 1-2 instead of {pair_name(pairs.pads)}: {why}"
    if pairs.cue is not None:
        no_cue = missing or _lacks(device, pairs.cue) or _mixes(device)
        if not no_cue:
            firsts[CUE] = pairs.cue
    highest = max(firsts.values())
    return Layout(highest + WIDTH if highest else min(WIDTH, device.channels), firsts, no_cue, remark)


def _lacks(device: Device, first: int) -> str:
    if first + WIDTH <= device.channels:
        return ""
    count = "1 channel" if device.channels == 1 else f"{device.channels} channels"
    return f"{device.name} has {count}, and no {pair_name(first)}"


def _mixes(device: Device) -> str:
    if device.has_own_channels:
        return ""
    return (
        f"{device.system} may mix the channels of {device.name} into its first two, which the audience hears: set audio.device to the "
        "sound card itself, or audio.cue to another device"
    )
