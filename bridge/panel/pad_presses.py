"""Which pads are held, and by what: a finger, a key, the mouse. A pad that was pressed is always released."""

from __future__ import annotations

from collections.abc import Callable, Hashable


class Presses:
    """`send(number, velocity)` plays a pad, with velocity 0 it releases it."""

    def __init__(self, send: Callable[[int, float], None]) -> None:
        self._send = send
        self.held: dict[Hashable, int] = {}

    def press(self, source: Hashable, number: int, velocity: float) -> None:
        """Play a pad, once until `source` is released."""
        if source not in self.held:
            self.held[source] = number
            self._send(number, velocity)

    def release(self, source: Hashable) -> None:
        """Release the pad that `source` pressed, if it did."""
        number = self.held.pop(source, None)
        if number is not None and number not in self.held.values():
            self._send(number, 0.0)

    def release_all(self) -> None:
        """Release every pad: keys may be let go where nobody hears of it."""
        for source in list(self.held):
            self.release(source)
