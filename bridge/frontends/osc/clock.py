"""Time tags of OSC bundles (wall clock) as moments of time.perf_counter, which the player uses."""

from __future__ import annotations

import time

from bridge.errors import BadArgument

AHEAD_S = 10.0  # time tags further ahead are refused: most come from a wrong clock
CLOCK_STEP_S = 0.05  # a larger change of the difference means that a clock was set


class Clock:
    """Tracks the difference between the two clocks, smoothed: on Windows time.time() moves in steps of 15.6 ms."""

    def __init__(self) -> None:
        self._apart_s = 0.0

    def moment(self, time_tag: float, behind_s: float = 0.0) -> float | None:
        """Convert `time_tag` (seconds since 1970, 0: none) to seconds of time.perf_counter. None means at once, also for a
        time tag more than `behind_s` seconds late. Raises BadArgument if it is more than AHEAD_S ahead."""
        if not time_tag:
            return None
        apart_s = time.perf_counter() - time.time()
        small = abs(apart_s - self._apart_s) < CLOCK_STEP_S
        self._apart_s += (0.02 if small else 1.0) * (apart_s - self._apart_s)
        at = time_tag + self._apart_s
        left_s = at - time.perf_counter()
        if left_s > AHEAD_S:
            raise BadArgument(
                f"The time tag is {left_s:.4g} seconds ahead; {AHEAD_S:g} at most. Is the clock of this machine right?"
            )
        return at if left_s > -behind_s else None
