"""Rendering: asks for every clip of a batch, as the inbox does, and ends when all have ended. Runs on the event loop."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from bridge.core.core import Core
from bridge.domain.events import Event, JobEvent, StateChanged
from bridge.errors import ClipbridgeError, FolderError, NoModel
from bridge.frontends.inbox.asking import Asker
from bridge.frontends.inbox.batch import Batch
from bridge.frontends.inbox.dropped import Dropped, Result


class Watcher(Protocol):
    """Shows how a batch goes on. Called on the event loop; must not block."""

    def on_result(self, place: int, result: Result) -> None: ...
    def on_event(self, event: Event) -> None: ...


class Rendering:
    """A listener of the core. `on_result` gets the place of each entry that ended, and its result. `error`: why no more can be made, if
    the engine was given up or clips cannot be written."""

    def __init__(self, core: Core, batch: Batch, on_result: Callable[[int, Result], None]) -> None:
        self._batch, self._on_result = batch, on_result
        # Beside those that are made, as many wait here or are written, so that no engine waits for the disk.
        self._asker = Asker(core, self._keep, most=2 * core.jobs.slots + 1)
        self._disk = ThreadPoolExecutor(1, "render")  # it may be slow
        self._left = len(batch.dropped.unfinished)
        self.error: ClipbridgeError | None = None

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to do."""
        return not self._left or self.error is not None

    def begin(self) -> None:
        """Ask for all that has no result."""
        self._asker.begin(self._batch.dropped, self._batch.dropped.unfinished)

    def on_event(self, event: Event) -> None:
        """See Listener."""
        match event:
            case StateChanged(state="failed", why=why):
                self.error = NoModel(why)
            case JobEvent(kind="failed", fields={"code": FolderError.code, "why": why}):
                self.error = FolderError(why)  # the others would be made in vain
        self._asker.on_event(event)

    def close(self) -> None:
        """Wait until every result is on the disk."""
        self._disk.shutdown()

    def _keep(self, _dropped: Dropped, place: int, result: Result) -> None:
        self._left -= 1
        self._disk.submit(self._batch.keep, place, result)
        self._on_result(place, result)
