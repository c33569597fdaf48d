"""The number of threads of an engine on a CPU: all while the cores are free, one beside busy programs.

Threads that wait for each other spin, which makes the starter's small steps 1.8 times as fast as one thread and nearly
three times as fast as threads that sleep. But if another program holds a core, each of about a thousand barriers in a step
waits until the system gives the core back: a clip of 0.6 s was not finished after 60 s; with one thread it took 4 s.
"""

from __future__ import annotations

import time

import torch

BARRIERS, TOO_LONG_S = 40, 0.012  # the probe takes less than 2 ms on free cores
PAUSE_S = 1.0  # between two probes while the cores are taken
ELEMENTS = 1 << 16  # twice the number from which torch uses several threads


class Threads:
    """Chooses the number before each step. `most`: the number while nothing else is busy."""

    def __init__(self, most: int) -> None:
        self._most, self._again_at = most, 0.0
        self._numbers = torch.zeros(ELEMENTS)

    def choose(self) -> None:
        """Set torch's number of threads; costs about a millisecond."""
        if self._most < 2 or time.monotonic() < self._again_at:
            return
        torch.set_num_threads(self._most)
        started = time.monotonic()
        for _ in range(BARRIERS):
            self._numbers.add_(1.0)
            if time.monotonic() - started > TOO_LONG_S:
                torch.set_num_threads(1)
                self._again_at = time.monotonic() + PAUSE_S
                return
