"""The stream's clips in the player: those that are ready, and played ones to repeat if the engine falls behind."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from bridge.domain.clip import Prompt
from bridge.domain.model import Model
from bridge.live.voices import Live

OVERLAP_S = 1.0
PLAYED_PARTS = 4  # played clips that stay loaded
REPEAT_GAIN, MIN_REPEAT_GAIN = 0.7, 0.25
LOADING_S = 0.25  # the player needs at most this long to load a clip


@dataclass(frozen=True, slots=True)
class Part:
    """A clip that the player holds as `slot`. The next one begins after `period_s` seconds. `version`: of the prompt. `prompt` and
    `model`: those that made it."""

    slot: int
    file: str
    sample_rate: int
    period_s: float
    version: int
    usable_at: float  # time.monotonic
    prompt: Prompt = field(compare=False)
    model: Model = field(compare=False)
    same: bool = False  # as the one before where they overlap


class Parts:
    """`repeats`: the number of repeated clips in a row."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self.ready: deque[Part] = deque()
        self._played: deque[Part] = deque()
        self.repeats = 0

    @property
    def any_played(self) -> bool:
        return bool(self._played)

    def add(self, file: str, sample_rate: int, prompt: Prompt, model: Model, version: int, same: bool = False) -> None:
        """Load a finished clip, instead of those of earlier versions. `same`: it goes on after the one before."""
        period_s, usable_at = prompt.seconds - OVERLAP_S, time.monotonic() + LOADING_S
        part = Part(self._live.slot(), file, sample_rate, period_s, version, usable_at, prompt, model, same)
        self._hold(part)
        for old in [old for old in self.ready if old.version != version]:
            self.ready.remove(old)
            self._drop(old)
        self.ready.append(part)

    def choose(self, current: Part | None) -> tuple[Part, float]:
        """The clip to play after `current`, which sounds, and a factor for its gain: a new clip at full gain, or else, of the newest
        prompt that has sounded, the one that was played longest ago, more quietly with each repeat."""
        if self.ready and (self.ready[0].usable_at < time.monotonic() or not (self._played or current)):
            self.repeats = 0
            return self.ready.popleft(), 1.0
        self.repeats += 1
        candidates = [*self._played, *([current] if current else [])]
        newest = max(part.version for part in candidates)
        part = next(part for part in candidates if part.version == newest)
        if part in self._played:
            self._played.remove(part)
        return part, max(MIN_REPEAT_GAIN, REPEAT_GAIN**self.repeats)

    def keep_played(self, part: Part, sounding: list[Part]) -> None:
        """Keep a played clip, unless it is being repeated already. `sounding`: the clips of the current and the next voice."""
        if part in self._played or sounding.count(part) > 1:
            return
        # An earlier prompt does not come back once a clip of the newer one has sounded.
        newest = max(other.version for other in (part, *sounding))
        repeatable = [other for other in (*self._played, part) if other.version == newest or other in sounding]
        repeatable = repeatable[-PLAYED_PARTS:]
        for other in {*self._played, part} - set(repeatable):
            self._drop(other)
        self._played = deque(repeatable)

    def clear(self, sounding: Iterable[Part]) -> None:
        """Unload all clips, and those that are sounding."""
        for part in (*self.ready, *self._played, *sounding):
            self._drop(part)
        self.ready.clear()
        self._played.clear()

    def reload(self) -> None:
        """Load all clips into a new player."""
        for part in (*self.ready, *self._played):
            self._hold(part)

    def _hold(self, part: Part) -> None:
        self._live.hold(part.slot, part.file, part.sample_rate, 1000 * OVERLAP_S, part.same)

    def _drop(self, part: Part) -> None:
        self._live.release(part.slot)
        self._live.discard(part.file)
