"""The takes of a pad: fresh ones, and those that have sounded and sound again until a fresh one is ready."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.domain.clip import Prompt
from bridge.domain.model import Model

TAKES_READY = 2
TAKES_HELD = 3  # with those that have sounded


@dataclass(frozen=True, slots=True)
class Take:
    """Samples that the player holds as `slot`, a number that rises from take to take; `file` has them too, for saving and for a
    new player. `version`: of the pad's prompt."""

    slot: int
    file: str
    sample_rate: int
    prompt: Prompt
    model: Model
    version: int = 0


@dataclass(slots=True)
class Takes:
    """`fresh`: the takes that have not sounded yet. `played`: those that may sound again, the one that sounded last at the end.
    `last`: the take that sounded last, for saving. `version`: of the prompt for which takes are made now."""

    fresh: list[Take] = field(default_factory=list)
    played: list[Take] = field(default_factory=list)
    last: Take | None = None
    version: int = 0
    _locked: Take | None = None

    @property
    def all(self) -> list[Take]:
        """Every take that is held."""
        return [*self.fresh, *self.played]

    @property
    def repeatable(self) -> list[Take]:
        """The takes that sound while none is fresh. Once a take of a newer prompt or length has sounded, only such takes do."""
        newest = max(self.played, key=lambda take: take.slot, default=None)
        return [take for take in self.played if newest is not None and _kind(take) == _kind(newest)]

    def next(self, locked: bool) -> Take | None:
        """The take to play now: a fresh one, or else the one that sounded longest ago. With a lock the same as before, or else a
        fresh one, or the one that sounded last. None if there is no take."""
        if locked and self._locked is not None and (self._locked.version == self.version or not self.fresh):
            return self._locked
        choice = self.fresh[:1] or (self.repeatable[-1:] if locked else self.repeatable[:1])
        return choice[0] if choice else None

    def sounded(self, take: Take, locked: bool) -> list[Take]:
        """Note that a take was played. A locked one stays fresh. Returns the takes to drop."""
        self.last, self._locked = take, take if locked else None
        if locked and take in self.fresh:
            return []
        self._move_to_played(take)
        return self._dropped()

    def unlock(self) -> None:
        """Let the next press choose its take again."""
        self._locked = None

    def add(self, take: Take) -> list[Take]:
        """Hold a new take, instead of the oldest fresh one if there are TAKES_READY already. Returns the takes to drop."""
        dropped = []
        while len(self.fresh) >= TAKES_READY:
            if self.fresh[0] is self.last:  # it may still be saved
                self._move_to_played(self.fresh[0])
            else:
                dropped.append(self.fresh.pop(0))
        self.fresh.append(take)
        return dropped + self._dropped()

    def supersede(self) -> None:
        """The prompt changed: all takes sound again until one of the new prompt is ready."""
        self.version += 1
        self.played, self.fresh = [*self.fresh, *self.played], []
        if self.last is not None:
            self._move_to_played(self.last)

    def _move_to_played(self, take: Take) -> None:
        self.fresh = [other for other in self.fresh if other is not take]
        self.played = [*(other for other in self.played if other is not take), take]

    def _dropped(self) -> list[Take]:
        """Remove the takes beyond TAKES_HELD, the one that sounded longest ago first."""
        count = max(0, len(self.fresh) + len(self.played) - TAKES_HELD)
        dropped, self.played = self.played[:count], self.played[count:]
        return dropped


def _kind(take: Take) -> tuple[int, float]:
    return take.version, take.prompt.seconds
