"""Backoff: the pause before something that failed is tried again."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(slots=True)
class Backoff:
    """The pause is `first_s` seconds after the first failure in a row and doubles with each further one, up to the
    `most`-th."""

    first_s: float
    most: int
    failures: int = 0
    not_before: float = 0.0  # time.monotonic

    @property
    def over(self) -> bool:
        """Whether to try again now."""
        return time.monotonic() >= self.not_before

    def fail(self) -> None:
        """Begin the next pause."""
        self.failures = min(self.failures + 1, self.most)
        self.not_before = time.monotonic() + self.first_s * 2 ** (self.failures - 1)

    def succeed(self) -> None:
        """Let the next pause be the first again."""
        self.failures = 0

    def reset(self) -> None:
        """End the pause."""
        self.failures, self.not_before = 0, 0.0
