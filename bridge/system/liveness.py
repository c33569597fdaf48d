"""Liveness: tells a process that hangs from one that is starved, by its processor time and by wall time."""

from __future__ import annotations

STARVED_SHARE = 0.002  # a silent process that uses less of a core than this hangs
CLOCK_S = 0.02  # clocks of processor time tick every 10 to 16 ms
MOST_BUDGETS = 30  # of wall time; threads beside one that hangs may use some processor time forever
RATE_S = 0.1  # the shortest time over which processor time is a rate


class Liveness:
    """Judges a process that should show a sign of life at least every `budget_s` seconds while nothing disturbs it (None: it need
    not).

    A silent process hangs if it uses no processor time for the budget, or the processor time of the whole budget: as many seconds
    of each core as it ever used at a time. One that uses what little it gets is alive, for up to MOST_BUDGETS budgets. Times are
    in seconds: `now` of time.monotonic, `used_s` the process's own, of all its threads (None: unknown, then wall time decides)."""

    def __init__(self) -> None:
        self.budget_s: float | None = None
        self._cores = 1.0  # the most it has used at a time
        self._signed_at = self._active_at = 0.0
        self._used_then: float | None = None  # at the last sign of life
        self._active_used_s = 0.0
        self._last: tuple[float, float] | None = None  # time and processor time of the last judgement

    def expect(self, budget_s: float | None, now: float) -> None:
        """Set the budget, and begin it now."""
        self.budget_s = budget_s
        self.sign(now)

    def sign(self, now: float) -> None:
        """The process showed a sign of life."""
        self._signed_at = self._active_at = now
        self._used_then = None

    def begin(self, now: float) -> None:
        """A new process takes the place of the one before."""
        self._last = None
        self.sign(now)

    def pause(self, seconds: float) -> None:
        """Do not count these last seconds: nobody was there to receive a sign of life."""
        self._signed_at += seconds
        self._active_at += seconds
        self._last = None

    def hangs(self, now: float, used_s: float | None) -> bool:
        """Whether the process hangs."""
        if self.budget_s is None:
            return False
        if used_s is None:
            return now - self._signed_at > self.budget_s
        self._measure(now, used_s)
        if self._used_then is None:
            self._used_then = self._active_used_s = used_s
        elif used_s - self._active_used_s >= max(CLOCK_S, STARVED_SHARE * self.budget_s):
            self._active_at, self._active_used_s = now, used_s
        is_idle = now - self._active_at > self.budget_s
        is_spinning = used_s - self._used_then > self.budget_s * self._cores
        return is_idle or is_spinning or now - self._signed_at > MOST_BUDGETS * self.budget_s

    def _measure(self, now: float, used_s: float) -> None:
        if self._last is None:
            self._last = now, used_s
        elif (seconds := now - self._last[0]) > RATE_S:
            self._cores = max(self._cores, (used_s - self._last[1]) / seconds)
            self._last = now, used_s
