"""A pad, its takes, and who pressed it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bridge.domain.ask import Ask
from bridge.domain.clip import Prompt
from bridge.domain.job import Job
from bridge.domain.model import Model
from bridge.domain.tempo import Tempo
from bridge.errors import BadArgument
from bridge.live.backoff import Backoff

TAKES_READY = 2
PAD_RETRY_S, MAX_PAD_FAILURES = 10.0, 9  # the longest pause is 43 minutes


@dataclass(frozen=True, slots=True)
class Take:
    """Samples that the player holds as `slot`; `file` has them too, for saving and for a new player."""

    slot: int
    file: str
    sample_rate: int
    prompt: Prompt
    model: Model


@dataclass(frozen=True, slots=True)
class Press:
    """Who pressed, as their frontend names them: they hear of the voice."""

    reply_to: Any


@dataclass(slots=True)
class Pad:
    """A pad makes takes of `ask`. `locked`: each press plays the same take."""

    ask: Ask
    locked: bool = False
    ready: list[Take] = field(default_factory=list)
    previous: Take | None = None  # already replaced; its voice may still sound
    last: Take | None = None  # that was played, for saving: `previous`, or the first of `ready` while locked
    job: Job | None = None
    fraction: float = 0.0
    take_count: int = 0  # so that each take has its own seed
    fault: str = ""
    retry: Backoff = field(default_factory=lambda: Backoff(PAD_RETRY_S, MAX_PAD_FAILURES))
    voices: list[int] = field(default_factory=list)

    @property
    def state(self) -> tuple[str, float, str]:
        """(state, value, why) as in PadChanged."""
        if self.ready:
            return "ready", float(len(self.ready)), ""
        return "filling", self.fraction, self.fault

    def fresh(self, tempo: Tempo) -> list[Take]:
        """The takes that need no replacement. Those made for another tempo are still played until they are replaced."""
        if self.ask.bars is None or self.locked:
            return self.ready
        try:
            seconds = tempo.seconds(self.ask.bars, self.ask.bpm)
        except BadArgument:
            return self.ready
        return [take for take in self.ready if abs(take.prompt.seconds - seconds) < 1e-6]

    def needs_take(self, tempo: Tempo) -> bool:
        """Whether it has fewer than TAKES_READY fresh takes, and may be refilled now."""
        return len(self.fresh(tempo)) < TAKES_READY and self.retry.over
