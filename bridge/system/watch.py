"""Watched folders: call a function when something in a folder has changed. The only importer of watchdog."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

log = logging.getLogger("clipbridge")

# Systems drop events when many come at once, and report a file at its first byte. So an event only triggers a scan of the
# folder, and the folder is scanned from time to time without one.
RESCAN_S = 10.0
DEBOUNCE_S = 0.05
CHANGES = frozenset({"created", "modified", "deleted", "moved", "closed"})


class Watch(FileSystemEventHandler):
    """Calls `look` on its own thread: at the start, soon after a change in `folder` (and below it, if `recursive`), and at
    least every `every_s` seconds, even while the folder is missing or cannot be watched."""

    def __init__(
        self, folder: Path, look: Callable[[], None], recursive: bool = False, every_s: float = RESCAN_S
    ) -> None:
        self._folder, self._look, self._recursive, self._every_s = folder, look, recursive, every_s
        self._changed, self._over = threading.Event(), threading.Event()
        self._observer: object | None = None
        self._thread = threading.Thread(target=self._work, name=f"watch {folder.name}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self, timeout_s: float = 2.0) -> None:
        """Stop, waiting at most `timeout_s` for a running `look`."""
        self._over.set()
        self._changed.set()
        self._thread.join(timeout_s)

    def wake(self) -> None:
        """Call `look` again, soon."""
        self._changed.set()

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Called by watchdog, on its thread."""
        if event.event_type in CHANGES:  # not opening and reading, which `look` does itself
            self._changed.set()

    def _work(self) -> None:
        while not self._over.is_set():
            self._observe()
            self._changed.clear()
            try:
                self._look()
            except Exception:  # one failure must not end the watch
                log.exception("scanning %s", self._folder)
            if self._changed.wait(self._every_s):
                self._over.wait(DEBOUNCE_S)
        self._unobserve()

    def _observe(self) -> None:
        alive = self._observer is not None and self._observer.is_alive()  # type: ignore[attr-defined]
        if alive and self._folder.is_dir():
            return
        self._unobserve()
        if not self._folder.is_dir():
            return
        observer = Observer()
        try:
            observer.schedule(self, str(self._folder), recursive=self._recursive)
            observer.start()
        except (OSError, RuntimeError) as error:  # the limit of watches is reached, or a network folder
            log.info("%s cannot be watched (%s); it is scanned every %g s", self._folder, error, self._every_s)
        else:
            self._observer = observer

    def _unobserve(self) -> None:
        observer, self._observer = self._observer, None
        if observer is not None:
            observer.stop()  # type: ignore[attr-defined]
            observer.join(2.0)  # type: ignore[attr-defined]
