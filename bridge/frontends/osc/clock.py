"""Time tags of OSC bundles (wall clock) as moments of time.perf_counter, which the player goes by."""

from __future__ import annotations

import time

from bridge.errors import BadArgument

AHEAD_S = 10.0  # time tags further ahead are refused: most come from a clock that is wrong
CLOCK_STEP_S = 0.05


class Clock:
    """Follows how far the two clocks are apart, smoothed: on Windows time.time() moves in steps of 15.6 ms."""

    def __init__(self) -> None:
        self._apart_s = 0.0

    def moment(self, time_tag: float, behind_s: float = 0.0) -> float | None:
        """`time_tag` (seconds since 1970, 0: none) in seconds of time.perf_counter. None: at once, which also holds for what
        is more than `behind_s` seconds late. Raises BadArgument."""
        if not time_tag:
            return None
        apart_s = time.perf_counter() - time.time()
        small = abs(apart_s - self._apart_s) < CLOCK_STEP_S
        self._apart_s += (0.02 if small else 1.0) * (apart_s - self._apart_s)
        at = time_tag + self._apart_s
        left_s = at - time.perf_counter()
        if left_s > AHEAD_S:
            raise BadArgument(
                f"This is for {left_s:.4g} seconds from now; {AHEAD_S:g} at most. Is the clock of this machine right?"
            )
        return at if left_s > -behind_s else None
