"""Outputs: the main one, that of the pads, and the cue, on which the performer hears a sound before the audience does.

Each is a pair of channels of an audio device. The main output is the pair 1-2 of the main device; the cue may also be another device.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bridge.errors import BadArgument

MAIN, PADS, CUE = "main", "pads", "cue"
WIDTH = 2  # channels of a pair
NUMBERS = re.compile(r"[0-9\s–-]+")  # no device is called so
PAIR = re.compile(r"([1-9][0-9]{0,3})-([1-9][0-9]{0,3})")


@dataclass(frozen=True, slots=True)
class Pairs:
    """The first channels, from 0, of the pairs on one device. `cue`: None if it is not on this device."""

    pads: int = 0
    cue: int | None = None


ONE_PAIR = Pairs()


def pairs_of(cue: str, pads: str) -> Pairs:
    """The pairs on the main device, of the settings `audio.cue` and `audio.pads`. Raises BadArgument if a setting cannot mean a
    pair, or if the audience would hear the cue."""
    pads_at = _first("audio.pads", pads) if pads else 0
    cue_at = _first("audio.cue", cue) if is_pair(cue) else None
    if pads_at == 1:
        raise BadArgument("audio.pads shares a channel with the main output, which is 1-2: choose a pair such as 3-4.")
    if cue_at is not None and cue_at < WIDTH:
        raise BadArgument(
            f"audio.cue = {cue!r} is the main output (1-2), which the audience hears: choose another pair, such as 3-4."
        )
    if cue_at is not None and abs(cue_at - pads_at) < WIDTH:
        raise BadArgument(
            f"audio.cue = {cue!r} and audio.pads = {pads!r} share a channel, and the audience hears the pads: choose another pair for "
            "one of them."
        )
    return Pairs(pads_at, cue_at)


def is_pair(setting: str) -> bool:
    """Whether a setting is meant as a pair of channels, well written or not, and not as the name of a device."""
    return bool(NUMBERS.fullmatch(setting))


def pair_name(first: int) -> str:
    """The pair that begins at channel `first`, from 0, as the settings write it."""
    return f"{first + 1}-{first + WIDTH}"


def _first(name: str, setting: str) -> int:
    written = PAIR.fullmatch(re.sub(r"\s", "", setting).replace("–", "-"))
    if written is None or int(written[2]) != int(written[1]) + 1:
        raise BadArgument(
            f"{name} must be two neighbouring channels of the main device, such as 3-4, not {setting[:60]!r}."
        )
    return int(written[1]) - 1
