"""Windows over latents, so that a long clip is decoded in pieces: the first comes soon, and memory does not grow with the length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

PIECE_S = 4.0  # seconds of a piece; the first has FIRST_S, so that it is heard soon
FIRST_S = 1.0


class Window(NamedTuple):
    """The latents `first` to `last` are wanted; `begin` to `end` must be known for them."""

    first: int
    last: int
    begin: int
    end: int

    @property
    def inner(self) -> slice:
        """What is wanted, within what is known."""
        return slice(self.first - self.begin, self.last - self.begin)


def windows(count: int, per_second: float, reach: int) -> Iterator[Window]:
    """Windows over `count` latents, of which there are `per_second`, each with `reach` more on both sides where there are any."""
    first, size = 0, max(1, round(FIRST_S * per_second))
    while first < count:
        last = min(count, first + size)
        yield Window(first, last, max(0, first - reach), min(count, last + reach))
        first, size = last, max(1, round(PIECE_S * per_second))
