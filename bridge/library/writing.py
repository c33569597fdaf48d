"""The writer thread: applies changes to the database in order, so that callers do not wait for the disk."""

from __future__ import annotations

import contextlib
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

from bridge.errors import LibraryError
from bridge.library import database

log = logging.getLogger("clipbridge")

MAX_QUEUED_WORK = 10_000  # further work is dropped
CHECKPOINT_EVERY = 128

Work = Callable[[sqlite3.Connection], None]


class Writer(threading.Thread):
    """Runs offered work in order. Work may be offered before `start`."""

    def __init__(self, file: Path) -> None:
        super().__init__(name="library", daemon=True)
        self._file = file
        self._queue: queue.Queue[Work | None] = queue.Queue()
        self._connection: sqlite3.Connection | None = None

    def offer(self, work: Work) -> None:
        """Queue work. An error of the database fails only this piece of work."""
        if self._queue.qsize() < MAX_QUEUED_WORK:
            self._queue.put(work)
        else:
            log.warning("the library lags behind: not everything is recorded")

    def settle(self, seconds: float) -> None:
        """Wait until all work offered so far is done, at most `seconds`."""
        if self.is_alive():
            done = threading.Event()
            self.offer(lambda _: done.set())
            done.wait(seconds)

    def close(self, seconds: float) -> None:
        """Do the queued work and stop, waiting at most `seconds`."""
        self._queue.put(None)
        if self.is_alive():
            self.join(seconds)

    def run(self) -> None:
        done = 0
        while (work := self._queue.get()) is not None:
            self._do(work)
            done += 1
            if done % CHECKPOINT_EVERY == 0:
                self._do(database.checkpoint)
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()

    def _do(self, work: Work) -> None:
        try:
            if self._connection is None:
                self._connection = database.connect(self._file)
            work(self._connection)
        except (LibraryError, sqlite3.Error, OSError) as error:
            log.warning("the library could not be written: %s", error)
            time.sleep(0.05)  # a full disk stays full for a while
        except Exception:  # one failure must not end the thread
            log.exception("the library failed")
