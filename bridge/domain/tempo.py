"""Tempo: how long bars are, and where in time the beats fall."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bridge.domain.limits import SECONDS
from bridge.errors import BadArgument

# A beat that arrives within NEAR_S of its expected time moves the grid by FOLLOW of the difference: messages of a host
# come some milliseconds early or late, and a grid that followed each of them would stumble.
NEAR_S = 0.05
FOLLOW = 0.25


@dataclass(frozen=True, slots=True)
class Tempo:
    """A grid of beats. Beat number `beat` (0 is the first of a bar) falls at `at` seconds of `time.perf_counter`, which
    all processes of a machine share."""

    bpm: float = 120.0
    beats_per_bar: int = 4
    beat: float = 0.0
    at: float = 0.0

    def beat_at(self, at: float) -> float:
        """The beat at `at` seconds, with its fraction."""
        return self.beat + (at - self.at) * self.bpm / 60

    def changed(self, bpm: float, beats_per_bar: int, at: float) -> Tempo:
        """The grid with another tempo from `at` on; the count of beats continues."""
        return Tempo(bpm, beats_per_bar, self.beat_at(at), at)

    def with_beat(self, beat: float, at: float) -> Tempo:
        """The grid moved towards a host's message that `beat` falls at `at`."""
        off_s = at - (self.at + (beat - self.beat) * 60 / self.bpm)
        follow = FOLLOW if abs(off_s) < NEAR_S else 1.0
        return replace(self, beat=beat, at=at - off_s * (1 - follow))

    def seconds(self, bars: float, bpm: float | None = None) -> float:
        """The length of `bars` bars in seconds. Raises BadArgument if a clip cannot have that length."""
        tempo = self.bpm if bpm is None else bpm
        seconds = bars * self.beats_per_bar * 60 / tempo
        if seconds not in SECONDS:
            raise BadArgument(
                f"{bars:g} bars of {self.beats_per_bar} beats at {tempo:g} BPM are {seconds:.4g} seconds; a clip has {SECONDS}."
            )
        return seconds
