"""The number of threads of an engine on a CPU: all while the cores are free, one beside busy programs.

Threads that wait for each other spin, which makes the starter's small steps 1.8 times as fast as one thread and nearly
three times as fast as threads that sleep. But if another program holds a core, each of about a thousand barriers in a step
waits until the system gives the core back: a clip of 0.6 s was not finished after 60 s; with one thread it took 4 s.

Two threads add in another order than one, so the numbers decide the last bits of a clip, and the recipe records them.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator

import torch

BARRIERS, TOO_LONG_S = 40, 0.012  # the probe takes less than 2 ms on free cores
PAUSE_S = 1.0  # between two probes while the cores are taken
ELEMENTS = 1 << 16  # twice the number from which torch uses several threads


class Threads:
    """Chooses the number before each step of a run. `most`: the number while nothing else is busy."""

    def __init__(self, most: int) -> None:
        self._most, self._again_at = most, 0.0
        self._numbers = torch.zeros(ELEMENTS)
        self._chosen: list[int] = []

    @property
    def used(self) -> str:
        """The numbers of the steps since `begin`: "2", or "2x14 1x6" for two in 14 steps and then one in six."""
        if len(set(self._chosen)) == 1:
            return f"{self._chosen[0]}"
        return " ".join(f"{number}x{len(list(steps))}" for number, steps in itertools.groupby(self._chosen))

    def begin(self) -> None:
        """A run begins."""
        self._chosen = []

    def choose(self) -> None:
        """Set torch's number of threads; costs about a millisecond."""
        self._set()
        self._chosen.append(torch.get_num_threads())

    def _set(self) -> None:
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


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Run on one thread, whatever else is busy: for results that are cached, and must not depend on when they were made."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
