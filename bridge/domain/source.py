"""Source: audio that a prompt starts from, and what of it is kept."""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass
from typing import Any, Literal

from bridge.domain.fields import number
from bridge.domain.limits import BPM, MAX_PATH_CHARACTERS, MAX_PROMPT_CHARACTERS, SECONDS, STRENGTH, Range
from bridge.errors import BadArgument

How = Literal["vary", "continue", "fill"]
HOWS: tuple[How, ...] = ("vary", "continue", "fill")
PARTS = ("hits", "whole")
# What names a source, besides a path.
LAST, NUMBERED = "last", re.compile(r"(clip|voice):([1-9][0-9]{0,8})")
PLACE_S, END_S = Range(0.0, SECONDS.high), Range(0.001, SECONDS.high)
SHORTEST_SOURCE_S, SHORTEST_GAP_S = 0.05, 0.05

# Strength → the share of the noise schedule that is run, chosen so that the distance from the source grows evenly: bench/RESULTS.md. The
# first point is the way into the spectrogram and back alone; half of all change happens between the shares 0.42 and 0.64.
NOISE = ((0.0, 0.0), (0.05, 0.15), (0.3, 0.42), (0.7, 0.64), (0.9, 0.82), (1.0, 1.0))


@dataclass(frozen=True, slots=True)
class Source:
    """The file at `path` with the hash `sha256` ("": samples that the stream plays).

    `how`: `vary` makes another version of it, `continue` goes on after it, `fill` replaces the seconds `from_s` to `to_s`; otherwise
    these are the part of the file that is used. `seconds`: the length of what is used, which is the whole file for `fill`.

    `strength`: of `vary`, 0 (the source) to 1 (a new sound). `parts`: `hits` varies each hit of a rhythm, `whole` all at once, "" leaves
    that to the engine. `words`: what the source is, from its recipe or its name. `bpm`: its tempo, 0 if none is known.
    """

    path: str
    sha256: str
    how: How
    seconds: float
    from_s: float
    to_s: float
    strength: float = 0.5
    parts: str = ""
    words: str = ""
    bpm: float = 0.0

    @property
    def keeps(self) -> bool:
        """Whether a part of the source is in the clip, sample for sample."""
        return self.how != "vary"

    @property
    def schedule_share(self) -> float:
        """The share of the noise schedule that is run, 0 to 1."""
        return schedule_share(self.strength) if self.how == "vary" else 1.0

    def steps_of(self, steps: int) -> int:
        """The steps that are run of a schedule of `steps`: rounded up, because two steps in the middle of it make another sound than
        three."""
        return math.ceil(round(steps * self.schedule_share, 9))


def schedule_share(strength: float) -> float:
    """The share of the noise schedule for a strength, both 0 to 1."""
    for (low, at_low), (high, at_high) in itertools.pairwise(NOISE):
        if strength <= high:
            return at_low + (at_high - at_low) * (strength - low) / (high - low)
    return 1.0


def facts(source: Source) -> dict[str, Any]:
    """A source as plain data, for a recipe."""
    facts: dict[str, Any] = {"how": source.how, "path": source.path, "sha256": source.sha256, "seconds": source.seconds}
    facts |= {"from": source.from_s, "to": source.to_s, "words": source.words}
    facts |= {"bpm": source.bpm} if source.bpm else {}
    return facts | ({"strength": source.strength, "parts": source.parts} if source.how == "vary" else {})


def read(values: Any) -> Source:
    """The source in a recipe, which may come from anybody. Raises BadArgument."""
    if not isinstance(values, dict) or values.get("how") not in HOWS:
        raise BadArgument("source must be a table that says how it is used")
    path, sha256, words = (values.get(name, "") for name in ("path", "sha256", "words"))
    if not is_path(path):
        raise BadArgument("source path must be a path")
    if not isinstance(sha256, str) or len(sha256) not in (0, 64) or not set(sha256) <= set("0123456789abcdef"):
        raise BadArgument("source sha256 must be a hash")
    if not isinstance(words, str) or len(words) > MAX_PROMPT_CHARACTERS or not words.isprintable():
        raise BadArgument("source words must be text")
    for name in ("from", "to", "seconds"):
        number(values.get(name), f"source {name}", PLACE_S)
    strength = number(values.get("strength", 0.5), "source strength", STRENGTH)
    parts = values.get("parts", "")
    if parts not in ("", *PARTS):
        raise BadArgument("source parts must be hits or whole")
    bpm = values.get("bpm", 0.0)
    if bpm != 0:
        number(bpm, "source bpm", BPM)
    # Not rounded: they are exact to the frame.
    source = Source(
        path=path,
        sha256=sha256,
        how=values["how"],
        seconds=float(values["seconds"]),
        from_s=float(values["from"]),
        to_s=float(values["to"]),
        strength=strength,
        parts=parts,
        words=words,
        bpm=float(bpm),
    )
    if not 0 <= source.from_s < source.to_s or not math.isfinite(source.seconds) or source.seconds <= 0:
        raise BadArgument("source ends before it begins")
    return source


def is_path(value: Any) -> bool:
    """Whether a value may be the path of a source."""
    return isinstance(value, str) and 0 < len(value) <= MAX_PATH_CHARACTERS and "\0" not in value
