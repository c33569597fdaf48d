"""How many threads a CPU engine may use now: all while the cores are free, one beside other busy programs.

Threads that wait for each other spin, which makes the starter's small steps 1.8 times as fast as one thread and nearly
three times as fast as threads that sleep. But where another program holds a core, each of a thousand meetings a step
waits for the system to hand the core back: a clip of 0.6 s did not end within 60 s, with one thread it took 4 s.
"""

from __future__ import annotations

import time

import torch

MEETINGS, TOO_LONG_S = 40, 0.012  # free cores need under 2 ms for the probe
PAUSE_S = 1.0  # between two probes while the cores are taken
ELEMENTS = 1 << 16  # twice what torch shares out among threads


class Threads:
    """Chooses before each step. `most`: threads while nothing else is busy."""

    def __init__(self, most: int) -> None:
        self._most, self._again_at = most, 0.0
        self._numbers = torch.zeros(ELEMENTS)

    def choose(self) -> None:
        """Set torch's number of threads; costs about a millisecond."""
        if self._most < 2 or time.monotonic() < self._again_at:
            return
        torch.set_num_threads(self._most)
        started = time.monotonic()
        for _ in range(MEETINGS):
            self._numbers.add_(1.0)
            if time.monotonic() - started > TOO_LONG_S:
                torch.set_num_threads(1)
                self._again_at = time.monotonic() + PAUSE_S
                return
