"""LearnAsk: a folder of sounds that should be learned."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_MINUTES = 5.0


@dataclass(frozen=True, slots=True)
class LearnAsk:
    """`folder`: absolute, in its one spelling. `name`: of the model. `minutes`: for which it learns at most."""

    folder: str
    name: str
    minutes: float = DEFAULT_MINUTES
