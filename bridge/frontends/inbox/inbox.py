"""The inbox: prompts in lists that are dropped into a folder become clips, and dropped clips are made again from their recipes.

A thread watches the folder; an Asker on the event loop asks for the clips.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from bridge.config import InboxConfig
from bridge.core.core import Core
from bridge.domain.events import InboxChanged
from bridge.errors import ConfigError
from bridge.frontends.inbox.asking import Asker
from bridge.frontends.inbox.dropped import Dropped, Result
from bridge.frontends.inbox.folder import UNCHANGED_S, InboxFolder
from bridge.system.watch import Watch

log = logging.getLogger("clipbridge")

INBOX_RESCAN_S = 5.0  # for folders that cannot be watched


@contextlib.asynccontextmanager
async def serve_inbox(core: Core, config: InboxConfig, samples: Path) -> AsyncIterator[None]:
    """Handle files in the inbox, if one is configured, until the context ends. `samples`: the sample folder, which cannot be
    the inbox. Raises ConfigError; if the folder cannot be used, an InboxChanged says why."""
    if not config.folder:
        yield
        return
    try:
        folder = Path(config.folder).expanduser().absolute()
    except (RuntimeError, OSError) as error:  # such as ~nobody
        raise ConfigError(f"inbox.folder: {error}") from error
    known = core.library.recipe_of if core.library is not None else lambda file: None
    inbox = Inbox(core, InboxFolder(folder, samples, known))
    core.listeners.append(inbox.asker)
    inbox.start()
    try:
        yield
    finally:
        core.listeners.remove(inbox.asker)
        await asyncio.to_thread(inbox.close)


class Inbox:
    """Handles one file after the other. `scan`, `close` and their helpers run on the thread of the watch, the rest on the
    event loop."""

    def __init__(self, core: Core, folder: InboxFolder) -> None:
        self._core, self._folder = core, folder
        self.asker = Asker(core, self._on_result)
        self._loop = asyncio.get_running_loop()
        self._watch = Watch(folder.folder, self.scan, every_s=INBOX_RESCAN_S)
        self._ending = threading.Event()
        self._results: queue.SimpleQueue[tuple[Dropped, int, Result]] = (
            queue.SimpleQueue()
        )  # from the loop to the thread
        # On the thread:
        self._scanning = threading.Lock()
        self._state = ("", "")
        self._current: Dropped | None = None
        self._unmoved: list[Dropped] = []

    def start(self) -> None:
        """Start watching; returns at once."""
        self._watch.start()

    def close(self) -> None:
        """Write the journal and release the folder."""
        self._ending.set()
        self._watch.close()
        if self._scanning.acquire(timeout=1.0):  # it is held if a disk does not answer
            self._collect_results()
            self._folder.close()
            self._scanning.release()

    # ---- on the thread of the watch ----

    def scan(self) -> None:
        """Scan the folder, again while files are being written."""
        with self._scanning:
            writing = True
            while writing and not self._ending.is_set():
                writing = self._scan_once()
                if writing:
                    self._ending.wait(UNCHANGED_S)

    def _scan_once(self) -> bool:
        """Begin the next file, or check the current one. Returns whether a file is still being written."""
        fault = self._folder.ready()
        self._set_state(*(("closed", fault) if fault else ("open", str(self._folder.folder))))
        if fault:
            return False
        self._collect_results()
        self._unmoved = [dropped for dropped in self._unmoved if self._folder.state_of(dropped) == "same"]
        for dropped in self._unmoved[:]:
            self._finish(dropped)
        if self._current is not None and (state := self._folder.state_of(self._current)) != "same":
            # The user has removed or edited the file.
            dropped, self._current = self._current, None
            self._on_loop(self.asker.withdraw, dropped)
            if state == "gone":
                self._folder.journal.forget(dropped)
                self._on_loop(self._publish, "withdrawn", dropped.name)
        while self._current is None:
            complete, writing = self._folder.next()
            if complete is None:
                return writing
            if complete.unfinished:
                self._current = complete
                self._on_loop(self._publish, "begun", complete.name)
                self._on_loop(self.asker.begin, complete, complete.unfinished)
            else:
                self._finish(complete)
        return False

    def _collect_results(self) -> None:
        """Take over results from the event loop, and finish the current file if all are there."""
        changed: list[int] = []  # places in the current file
        with contextlib.suppress(queue.Empty):
            while True:
                dropped, place, result = self._results.get_nowait()
                dropped.results[place] = result
                if dropped is self._current:
                    changed.append(place)
        if self._current is not None and changed:
            self._folder.journal.record(self._current, changed)
            if not self._current.unfinished and self._folder.state_of(self._current) == "same":
                dropped, self._current = self._current, None
                self._finish(dropped)

    def _finish(self, dropped: Dropped) -> None:
        try:
            report = self._folder.finish(dropped)
        except OSError as error:
            if dropped not in self._unmoved:
                self._unmoved.append(dropped)
                why = f"{dropped.name} is finished but cannot be moved ({error.strerror or error})"
                self._on_loop(self._publish, "stuck", why)
        else:
            if dropped in self._unmoved:
                self._unmoved.remove(dropped)
            self._on_loop(self._publish, "done" if dropped.succeeded else "failed", str(report))

    def _set_state(self, state: str, what: str) -> None:
        if (state, what) != self._state:
            self._state = (state, what)
            self._watch.wake()  # the folder may be new; the next scan starts watching it
            self._on_loop(self._publish, state, what)

    def _on_loop(self, call: Callable[..., None], *values: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the daemon has ended
            self._loop.call_soon_threadsafe(call, *values)

    # ---- on the event loop ----

    def _publish(self, state: str, what: str) -> None:
        log.info("inbox %s %s", state, what)
        self._core.publish(InboxChanged(state, what))

    def _on_result(self, dropped: Dropped, place: int, result: Result) -> None:
        self._results.put((dropped, place, result))
        self._watch.wake()
