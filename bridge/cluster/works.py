"""Works: what fronts asked a box for, in order. Pure bookkeeping."""

from __future__ import annotations

import collections
from pathlib import Path

from bridge.cluster.work import Work
from bridge.domain.clip import Prompt
from bridge.errors import QueueFull

MOST_WAITING = 64


class Works:
    """`running`: what the engine works on; one whose front has gone stays until the engine has stopped."""

    def __init__(self) -> None:
        self.running: Work | None = None
        self._waiting: collections.deque[Work] = collections.deque()
        self._open: set[Work] = set()  # until their fronts have gone, or have read all
        self._last_serial = 0

    @property
    def held(self) -> int:
        """Bytes that the fronts have not read yet."""
        return sum(work.held for work in self._open)

    @property
    def slowest(self) -> Work:
        """The one whose front has most to read. There must be one."""
        return max(self._open, key=lambda work: work.held)

    def add(self, prompt: Prompt, source: Path | None) -> Work:
        """Queue a prompt. Raises QueueFull."""
        if len(self._waiting) >= MOST_WAITING:
            raise QueueFull(f"{len(self._waiting)} jobs are waiting on the box already.")
        self._last_serial += 1
        work = Work(self._last_serial, prompt, source)
        self._open.add(work)
        self._waiting.append(work)
        self._count()
        return work

    def next(self) -> Work | None:
        """The first that waits, which waits no more."""
        return self._waiting.popleft() if self._waiting else None

    def run(self, work: Work | None) -> None:
        """Say what the engine works on now."""
        self.running = work
        self._count()

    def current(self, serial: int) -> Work | None:
        """The running one, unless its front has gone."""
        work = self.running
        return work if work is not None and work.serial == serial and not work.ended else None

    def remove(self, work: Work) -> None:
        """Forget one whose front has gone."""
        if work in self._waiting:
            self._waiting.remove(work)
        self._open.discard(work)
        self._count()

    def release(self) -> None:
        """Cut the streams of all that wait: their fronts ask again."""
        for work in self._waiting:
            work.end(None)
        self._waiting.clear()

    def _count(self) -> None:
        for ahead, work in enumerate(self._waiting, int(self.running is not None)):
            work.ahead = ahead
