"""What can be done with an audio file that was dropped, from what the daemon measured of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal

from bridge.domain.limits import BARS, SECONDS
from bridge.domain.recipe import read
from bridge.domain.source import SHORTEST_SOURCE_S, How
from bridge.errors import BadRecipe
from bridge.panel.form import keys_of

SURE = 0.5  # of a tempo: the confidence from which it is offered
BAR_STEPS = 4  # lengths in bars are offered in quarters
NEAR = 0.02  # of a length in bars, to count as one of those

MAX_CHANNELS = 2  # of a source

What = Literal["recipe", "again", "length", "tempo", "vary", "continue", "fill", "learn", "use"]


WAYS: dict[How, str] = {"vary": "Vary it", "continue": "Continue it", "fill": "Fill a gap"}


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that can be done. `values`: keys of an ask, for the form."""

    what: What
    words: str
    values: dict[str, Any]


def offers(measured: dict[str, Any], beats_per_bar: int, ways: Sequence[How] = ()) -> list[Offer]:
    """What is offered for a file, the likeliest first. `measured`: the pairs of /bridge/measured. `ways`: what the checkpoint can do with
    a source."""
    made: list[Offer] = []
    if text := _text(measured.get("prompt")):
        made.append(Offer("recipe", "Fill in the fields", recipe_of(measured) or {"text": text}))
        made.append(Offer("again", "Make it again", {}))
    made += [Offer(how, WAYS[how], {}) for how in ways if not unusable(measured)]
    seconds, bpm = _number(measured.get("seconds")), _number(measured.get("bpm"))
    if seconds in SECONDS:
        made.append(Offer("length", f"Use its length ({seconds:.4g} s)", {"seconds": round(seconds, 3)}))
    if bpm > 0 and _number(measured.get("confidence", 1.0)) >= SURE:
        bars = round(seconds * bpm / 60 / beats_per_bar * BAR_STEPS) / BAR_STEPS
        exact = seconds * bpm / 60 / beats_per_bar
        if bars in BARS and abs(bars - exact) <= NEAR * exact:
            word = "bar" if bars == 1 else "bars"
            made.append(Offer("tempo", f"Use {bars:g} {word} at {bpm:.5g} BPM", {"bars": bars, "bpm": bpm}))
        else:
            made.append(Offer("tempo", f"Use its tempo ({bpm:.5g} BPM)", {"bars": 1.0, "bpm": bpm}))
    return made


def unusable(measured: dict[str, Any]) -> str:
    """Why a file cannot be a source, whatever the checkpoint; "" if it can."""
    channels, seconds = measured.get("channels"), _number(measured.get("seconds"))
    if isinstance(channels, int) and channels > MAX_CHANNELS:
        return f"It has {channels} channels, and a sound to start from has one or two: mix it down first."
    if seconds and seconds < SHORTEST_SOURCE_S:
        return f"It is shorter than {1000 * SHORTEST_SOURCE_S:g} milliseconds: too short to start from."
    return ""


def recipe_of(measured: dict[str, Any]) -> dict[str, Any]:
    """The keys of an ask from the recipe of a clip; none if it has no recipe, or one of another version."""
    try:
        return keys_of(read(_text(measured.get("recipe"))))
    except BadRecipe:
        return {}


def describe(path: str, measured: dict[str, Any]) -> str:
    """The file and what it is, in one line."""
    facts = [PurePath(path).name]
    if text := _text(measured.get("prompt")):
        facts.append(f"“{text}”")
    if seconds := _number(measured.get("seconds")):
        facts.append(f"{seconds:.4g} s")
    return "  ".join(facts)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if is_number else 0.0
