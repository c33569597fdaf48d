"""Work with files on a thread of its own, so that the window stays responsive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QThreadPool, Signal


class Background(QObject):
    """Does one thing after another on a thread. `CLOSE_MS`: how long `close` waits for the rest."""

    CLOSE_MS = 10_000
    _done = Signal(object, object)  # what to call, and the result for it

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._done.connect(lambda use, result: use(result))

    def do(self, work: Callable[[], Any], use: Callable[[Any], None]) -> None:
        """Call `work`, which must not raise, on the thread, then `use` with its result on the window's own."""
        # No QRunnable of our own: PySide would take another object for it that comes to lie at its address.
        self._pool.start(lambda: self._done.emit(use, work()))

    def close(self) -> None:
        """Wait for what has been begun."""
        self._pool.waitForDone(self.CLOSE_MS)
