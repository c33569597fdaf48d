"""The source in the form: the audio that the next clip starts from, and the keys of an ask for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from bridge.domain.limits import SECONDS
from bridge.domain.source import SHORTEST_GAP_S, SHORTEST_SOURCE_S, How, Source
from bridge.domain.words import words_in_name

NO_PART = (0.0, 0.0)
DONE: dict[How, str] = {"vary": "varied", "continue": "continued", "fill": "filled"}


@dataclass(frozen=True, slots=True)
class FormSource:
    """`path`: absolute. `seconds`: the length of the file, 0 if unknown. `part`: the seconds that are used, or for `fill` the gap;
    NO_PART if none is marked. `strength`: None leaves it to the preset, or 0.5. `words`: what the sound is. `bpm`: 0 if unknown."""

    path: str
    how: How = "vary"
    seconds: float = 0.0
    part: tuple[float, float] = NO_PART
    strength: float | None = None
    words: str = ""
    bpm: float = 0.0

    @property
    def name(self) -> str:
        """The name of the file."""
        return PurePath(self.path).name

    @property
    def used_s(self) -> float:
        """The seconds of it that are used; 0 if unknown."""
        return self.part[1] - self.part[0] if self.part[1] and self.how != "fill" else self.seconds

    @property
    def keys(self) -> dict[str, Any]:
        """The keys of an ask."""
        keys: dict[str, Any] = {self.how: self.path}
        if self.part[1]:
            keys |= {"from": round(self.part[0], 6), "to": round(self.part[1], 6)}
        return keys | ({"strength": self.strength} if self.how == "vary" and self.strength is not None else {})

    @property
    def fault(self) -> str:
        """Why no clip can be made from it as it is; "" if one can."""
        gap_s = self.part[1] - self.part[0]
        if self.how == "fill" and not self.part[1]:
            return "Mark the gap first: drag over the waveform of the source."
        if self.how == "fill" and gap_s < SHORTEST_GAP_S:
            return f"The gap must be at least {1000 * SHORTEST_GAP_S:g} milliseconds long."
        if self.used_s > SECONDS.high:
            how = "cut it first" if self.how == "fill" else "mark a shorter part of its waveform"
            return f"A source has at most {SECONDS.high:g} seconds, and this one {self.used_s:.0f}: {how}."
        if 0 < self.used_s < SHORTEST_SOURCE_S:
            return f"A source needs at least {1000 * SHORTEST_SOURCE_S:g} milliseconds: mark a longer part."
        return ""

    def with_seconds(self, seconds: float) -> FormSource:
        """The source once the length of its file is known: a part of all of it is none."""
        part = (self.part[0], min(self.part[1], seconds))
        is_all = part[0] <= 0.001 and part[1] >= seconds - 0.001
        return replace(self, seconds=seconds, part=NO_PART if is_all or part[1] <= part[0] else part)


def of_file(path: str, measured: dict[str, Any]) -> FormSource:
    """The source for an audio file. `measured`: the pairs of /bridge/measured."""
    text, seconds, bpm = measured.get("prompt"), measured.get("seconds"), measured.get("bpm")
    words = text if isinstance(text, str) and text else words_in_name(PurePath(path).name)
    return FormSource(path, seconds=_positive(seconds), words=words, bpm=_positive(bpm))


def of_recipe(source: Source) -> FormSource:
    """The source that a clip was made from."""
    strength = source.strength if source.how == "vary" else None
    seconds = source.seconds if source.how == "fill" else 0.0
    return FormSource(
        source.path, source.how, seconds, (source.from_s, source.to_s), strength, source.words, source.bpm
    )


def _positive(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and value > 0 else 0.0
