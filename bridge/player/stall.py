"""Stall: how long a device has requested no audio, in the time in which this process itself ran."""

from __future__ import annotations

MOST_POLL_S = 0.25  # a longer pause between two looks was this process's own: other programs were computing


class Stall:
    """Times are in seconds of time.monotonic."""

    def __init__(self, now: float) -> None:
        self._moved_at = self._looked_at = now
        self._frames = 0

    def seconds(self, now: float, frames: int) -> float:
        """Seconds without a new frame. `frames`: the number that the device has requested so far."""
        self._moved_at += max(0.0, now - self._looked_at - MOST_POLL_S)
        self._looked_at = now
        if frames != self._frames:
            self._moved_at, self._frames = now, frames
        return now - self._moved_at
