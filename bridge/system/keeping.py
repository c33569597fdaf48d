"""A small JSON file that outlives the process. A thread writes it, so that callers never wait for the disk."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bridge.system.writing import write_whole

log = logging.getLogger("clipbridge")


class KeptFile:
    """Saves states to `file`; the last one wins. `what` names it in the log."""

    def __init__(self, file: Path, what: str) -> None:
        self._file, self._what = file, what
        self._next: Callable[[], Any] | None = None
        self._writer: threading.Thread | None = None
        self._lock = threading.Lock()

    def keep(self, state: Callable[[], Any]) -> None:
        """Save what `state` returns, soon. The writer thread calls it, so the result must not change afterwards."""
        with self._lock:
            self._next = state
            if self._writer is None:
                self._writer = threading.Thread(target=self._write, name=f"keep {self._what}", daemon=True)
                self._writer.start()

    def wait(self, seconds: float) -> None:
        """Wait until the file is written, at most `seconds`."""
        if (writer := self._writer) is not None:
            writer.join(seconds)

    def _write(self) -> None:
        while True:
            with self._lock:
                state, self._next = self._next, None
                if state is None:
                    self._writer = None
                    return
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                write_whole(self._file, json.dumps(state(), ensure_ascii=False).encode())
            except OSError as error:  # a full or read-only disk
                log.warning("the %s could not be saved: %s", self._what, error)
