"""What the courses of all families share: the sounds that they take, and what they pass on to what learns."""

from __future__ import annotations

from pathlib import Path
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray


class Sample(Protocol):
    """Mono float32 `samples` at 44,100 Hz, what they may be called, and whether they are only listened to."""

    @property
    def samples(self) -> NDArray[np.float32]: ...
    @property
    def words(self) -> tuple[str, ...]: ...
    @property
    def held_out(self) -> bool: ...


class Learns(Protocol):
    """What learns."""

    def step(self) -> float:
        """One step; the training loss."""

    def held_out_loss(self) -> float:
        """The loss over the samples that are held out."""

    def save_state(self, file: Path) -> None:
        """Write all that is needed to go on. Raises OSError."""


Learner = TypeVar("Learner", bound=Learns)


class FamilyCourse(Generic[Learner]):
    """See bridge/learn/course.py for the protocol. A family adds `begin`, which sets `_learning`, `hear` and `save_model`."""

    def __init__(self) -> None:
        self._learning: Learner | None = None

    def step(self) -> float:
        """One step; the training loss."""
        return self._begun.step()

    def held_out_loss(self) -> float:
        """The loss over the samples that are held out."""
        return self._begun.held_out_loss()

    def save_state(self, state: Path) -> None:
        """Write all that is needed to go on. Raises OSError."""
        self._begun.save_state(state)

    @property
    def _begun(self) -> Learner:
        assert self._learning is not None, "begin comes first"
        return self._learning
