"""A pad, and who pressed it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bridge.domain.ask import Ask
from bridge.domain.job import Job
from bridge.domain.tempo import Tempo
from bridge.errors import BadArgument
from bridge.live.backoff import Backoff
from bridge.live.takes import TAKES_READY, Take, Takes

PAD_RETRY_S, MAX_PAD_FAILURES = 10.0, 9  # the longest pause is 43 minutes


@dataclass(frozen=True, slots=True)
class Press:
    """Who pressed, as their frontend names them: they hear of the voice."""

    reply_to: Any


@dataclass(slots=True)
class PadClip:
    """An audio file that a pad plays at each press, instead of takes. `slot`: of the player; 0 before it is loaded."""

    file: str
    slot: int = 0


@dataclass(slots=True)
class Pad:
    """A pad makes takes of `ask`, or plays `clip`; then the text of `ask` is a name. `locked`: each press plays the same take.
    `choke`: its group, of which one pad sounds at a time; 0 for none."""

    ask: Ask
    locked: bool = False
    clip: PadClip | None = None
    choke: int = 0
    takes: Takes = field(default_factory=Takes)
    job: Job | None = None
    fraction: float = 0.0
    missed: bool = False  # pressed while it had no take
    take_count: int = 0  # so that each take has its own seed
    fault: str = ""
    retry: Backoff = field(default_factory=lambda: Backoff(PAD_RETRY_S, MAX_PAD_FAILURES))
    voices: dict[int, bool] = field(default_factory=dict)  # whether each is a loop

    @property
    def file(self) -> str:
        """The audio file that it plays; "" if it plays takes."""
        return "" if self.clip is None else self.clip.file

    @property
    def state(self) -> tuple[str, float, int, int, str]:
        """(state, value, fresh, repeated, why) as in PadChanged."""
        if self.clip is not None:
            return ("filling", 0.0, 0, 0, self.fault) if self.fault else ("ready", 1.0, 1, 0, "")
        fresh, repeated = len(self.takes.fresh), len(self.takes.repeatable)
        if fresh:
            return "ready", float(fresh), fresh, repeated, ""
        return "filling", self.fraction, fresh, repeated, self.fault

    def up_to_date(self, tempo: Tempo) -> list[Take]:
        """The fresh takes that need no replacement. Those made for another tempo are still played until they are replaced."""
        fresh = self.takes.fresh
        if self.ask.bars is None or self.locked:
            return fresh
        try:
            seconds = tempo.seconds(self.ask.bars, self.ask.bpm)
        except BadArgument:
            return fresh
        return [take for take in fresh if abs(take.prompt.seconds - seconds) < 1e-6]

    def needs_take(self, tempo: Tempo) -> bool:
        """Whether it has fewer than TAKES_READY up-to-date takes, and may be refilled now."""
        return self.clip is None and len(self.up_to_date(tempo)) < TAKES_READY and self.retry.over
