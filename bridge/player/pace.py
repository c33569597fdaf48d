"""The pace of a device: when it takes which frame, from looks at how many it has taken.

A device takes a block of frames at once, then none until the next block is due, and now and then it comes late. Nothing says when it
took a block: a look only tells that this was since the last look. So the estimate is the earliest line, of one frame per frame's
time, that no look contradicts (as a bounded-error form of F. Adriaensen, "Using a DLL to filter time", LAC 2005).
"""

from __future__ import annotations

LOOK_S = 0.0003  # looks this long before and after a block is due keep the estimate as exact
LATER = (
    0.05  # the share of a block's lateness by which the estimate moves: it may be this one block alone that came late
)
RESET_S = 0.05  # more than this is no lateness: the device stopped, or the machine slept


class Pace:
    """Times are in seconds of `time.perf_counter`. `block`: frames that the device took last at once."""

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._origin: float | None = None  # frame n has been taken at the time origin + n / sample_rate
        self._taken, self._looked_at = 0, 0.0
        self.block = 0

    @property
    def is_known(self) -> bool:
        """Whether the device has taken a block yet."""
        return self._origin is not None

    def look(self, before: float, taken: int, after: float) -> None:
        """Note that the device has taken `taken` frames, as seen between the times `before` and `after`."""
        if taken != self._taken:
            latest, earliest = after - taken / self._sample_rate, self._looked_at - taken / self._sample_rate
            origin = self._origin
            if origin is None or latest < origin or earliest > origin + RESET_S:
                self._origin = latest
            elif earliest > origin:
                self._origin = origin + LATER * (earliest - origin)
            step, looked_s = taken - self._taken, after - self._looked_at
            # What was taken in a time that is long enough for it may have been several blocks.
            is_one = not self.block or step > looked_s * self._sample_rate
            self.block, self._taken = step if is_one else min(step, self.block), taken
        self._looked_at = before

    def frame_at(self, at: float) -> float:
        """The number of frames that the device has taken at the time `at`, if it takes a block then."""
        return 0.0 if self._origin is None else (at - self._origin) * self._sample_rate

    def time_of(self, frame: float) -> float:
        """The time at which the device has taken `frame` frames, if it takes a block then."""
        return (self._origin or 0.0) + frame / self._sample_rate

    def next_take(self) -> float:
        """The time at which the next block is due."""
        return self.time_of(self._taken + self.block)

    def next_look(self, now: float) -> float:
        """The next time at which a look makes the estimate more exact; far away if it only waits for a late block."""
        due = self.next_take()
        return next((at for at in (due - LOOK_S, due + LOOK_S) if at > now), float("inf"))
