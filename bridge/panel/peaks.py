"""Waveforms of the files that are on the screen: computed on a thread of their own, and kept."""

from __future__ import annotations

import os
import stat
import threading
from collections import OrderedDict
from collections.abc import Iterable

from PySide6.QtCore import QObject, QThreadPool, QTimer, Signal

from bridge.panel.waveform import Waveform, waveform_of

KEPT = 2_000  # waveforms; 512 bytes each in the list
WAITING = 100  # those asked for earlier are no longer on the screen
REST_MS = 30  # after the last ask: while the list is scrolled, the thread would hold it up (they share Python's lock)
CLOSE_MS = 3_000

Stamp = tuple[int, int]  # size in bytes, modification time in ns
Ask = tuple[str, int]  # path, columns


class Peaks(QObject):
    """`ready(path)`: its waveform can be had. `missing(path, why)`: the file cannot be used; `why` is empty if it can be again."""

    ready = Signal(str)
    missing = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._kept: OrderedDict[Ask, tuple[Stamp, Waveform]] = OrderedDict()
        self._wanted: OrderedDict[Ask, None] = OrderedDict()
        self._lock, self._is_working, self._is_closed = threading.Lock(), False, False
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._start)

    def get(self, path: str, columns: int) -> Waveform | None:
        """The waveform of a file; None if it has to be computed first: `ready` comes then."""
        with self._lock:
            if (kept := self._kept.get((path, columns))) is not None:
                self._kept.move_to_end((path, columns))
                return kept[1]
        self.look([(path, columns)])
        return None

    def look(self, asks: Iterable[Ask]) -> None:
        """Look at files again: whether they are still there, and whether they have changed."""
        with self._lock:
            for ask in asks:
                self._wanted[ask] = None
                self._wanted.move_to_end(ask)
            while len(self._wanted) > WAITING:
                self._wanted.popitem(last=False)
            is_needed = bool(self._wanted) and not self._is_working
        if is_needed:
            self._rest.start()

    def _start(self) -> None:
        with self._lock:
            if self._is_working or self._is_closed:
                return
            self._is_working = True
        self._pool.start(self._work)  # as in background.py

    def close(self) -> None:
        """Stop after the file that is being read."""
        self._is_closed = True
        self._pool.waitForDone(CLOSE_MS)

    def _work(self) -> None:
        """On the thread: the files that were asked for last come first."""
        while True:
            with self._lock:
                if self._is_closed or not self._wanted:
                    self._is_working = False
                    return
                ask, _ = self._wanted.popitem()
                kept = self._kept.get(ask)
            path, columns = ask
            try:
                status = os.stat(path)
                if not stat.S_ISREG(status.st_mode):  # reading a pipe could block for ever
                    raise OSError("it is not a regular file")
            except (OSError, ValueError) as error:
                self.missing.emit(path, _why(error))
                continue
            self.missing.emit(path, "")
            stamp = status.st_size, status.st_mtime_ns
            if kept is None or kept[0] != stamp:
                waveform = waveform_of(path, columns)
                with self._lock:
                    self._kept[ask] = stamp, waveform
                    while len(self._kept) > KEPT:
                        self._kept.popitem(last=False)
                self.ready.emit(path)


def _why(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "The file is no longer there: it was moved, renamed or deleted."
    return f"The file cannot be opened ({getattr(error, 'strerror', None) or error})."
