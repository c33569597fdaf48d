"""The inbox on the event loop: asks for the entries of a dropped file, and hears how the jobs end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable

from bridge.core.core import Core
from bridge.domain.ask import Ask
from bridge.domain.events import Event, JobEvent, StateChanged
from bridge.domain.job import Job
from bridge.domain.recipe import Recipe
from bridge.errors import ClipbridgeError, NotReady, QueueFull, Stopping, UnknownJob
from bridge.frontends.inbox.dropped import Dropped, Result

log = logging.getLogger("clipbridge")

OWNER = "inbox"
INBOX_JOBS = 2  # unfinished jobs, with one engine, so that a long list delays nobody else
INBOX_RETRY_S = 0.25
WHILE_DOWN = (Stopping.code, NotReady.code)  # jobs that fail with these are asked for again


class Asker:
    """Asks for the entries of one file at a time. `on_result` gets the file, the place of an entry, and its result. `most`: unfinished
    jobs at a time."""

    def __init__(self, core: Core, on_result: Callable[[Dropped, int, Result], None], most: int | None = None) -> None:
        self._core, self._on_result = core, on_result
        self._most = INBOX_JOBS + core.jobs.slots - 1 if most is None else most
        self._loop = asyncio.get_running_loop()
        self._file: Dropped | None = None
        self._waiting: deque[int] = deque()  # places of its entries to ask for
        self._jobs: dict[int, tuple[Dropped, int]] = {}  # unfinished, by serial
        self._retry: asyncio.TimerHandle | None = None
        self._searched = 0  # entries whose sources are being looked for

    def begin(self, dropped: Dropped, places: list[int]) -> None:
        """Ask for these entries of a file."""
        self._file, self._waiting = dropped, deque(places)
        self._feed()

    def withdraw(self, dropped: Dropped) -> None:
        """Ask for no more entries of a file, and cancel its jobs."""
        if self._file is dropped:
            self._file = None
            self._waiting.clear()
        for serial, (file, _place) in list(self._jobs.items()):
            job = self._core.jobs.unfinished.get(serial)
            if file is dropped and job is not None:
                with contextlib.suppress(UnknownJob):
                    self._core.cancel(OWNER, job.id)

    def on_event(self, event: Event) -> None:
        """Continue when a job ends and when the engine may be ready again."""
        if isinstance(event, JobEvent) and event.terminal:
            self._job_ended(event)
        elif isinstance(event, StateChanged) and self._waiting:
            self._loop.call_soon(self._feed)

    def _feed(self) -> None:
        """Ask for the next entries while there is room."""
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        while (
            self._waiting
            and len(self._jobs) + self._searched < self._most
            and self._core.state not in ("failed", "stopping")
        ):
            assert self._file is not None
            if self._engine_is_needed_live():
                self._feed_later()
                return
            dropped, place = self._file, self._waiting.popleft()
            try:
                self._begin(dropped, place)
            except ClipbridgeError as error:
                if not self._refuse(dropped, place, error):
                    return
            except Exception:  # one entry must not end the list
                log.exception("asking for entry %d of %r", place + 1, dropped.name)
                self._on_result(dropped, place, Result(False, "Clipbridge failed on this; see its log."))

    def _begin(self, dropped: Dropped, place: int) -> None:
        """Ask for one entry, at once or when its source is found. Raises as `Core.generate` does."""
        what = dropped.entries[place].what
        assert what is not None
        if isinstance(what, Recipe):
            self._add(dropped, place, self._core.recall(what, owner=OWNER)[0])
            return
        self._searched += 1

        def make(found: Ask) -> None:
            if dropped is self._file:
                self._add(dropped, place, self._core.generate(found, OWNER)[0])
                self._searched -= 1
            else:  # it was removed meanwhile, and another file may wait for its turn
                self._searched -= 1
                self._loop.call_soon(self._feed)

        def refuse(error: ClipbridgeError) -> None:
            self._searched -= 1
            if dropped is not self._file or self._refuse(dropped, place, error):
                self._loop.call_soon(self._feed)

        try:
            self._core.sources.find(what, OWNER, True, make, refuse)
        except ClipbridgeError:
            self._searched -= 1
            raise

    def _add(self, dropped: Dropped, place: int, job: Job) -> None:
        self._jobs[job.serial] = (dropped, place)
        if job.state.ended and job.last_event is not None:  # it ended before it was known here
            self._job_ended(job.last_event)

    def _refuse(self, dropped: Dropped, place: int, error: ClipbridgeError) -> bool:
        """Report an entry that was refused; if only the queue is full or the engine down, it is asked for again later. Returns whether
        the next entry can be asked for."""
        if isinstance(error, QueueFull | NotReady | Stopping):
            self._waiting.appendleft(place)
            self._feed_later()
            return False
        self._on_result(dropped, place, Result(False, str(error)))
        return True

    def _engine_is_needed_live(self) -> bool:
        """Whether the engine makes clips ahead for a performer, or is about to: a list must not delay these."""
        stage, running = self._core.stage, self._core.jobs.current
        busy = running is not None and stage.is_speculative(running)
        return busy or stage.pads.need_takes()

    def _feed_later(self) -> None:
        if self._retry is None:
            self._retry = self._loop.call_later(INBOX_RETRY_S, self._feed)

    def _job_ended(self, event: JobEvent) -> None:
        """Report the result if the job is ours. Whoever asked for it, there may be room for the next entry."""
        dropped, place = self._jobs.pop(event.serial, (None, 0))
        if dropped is not None:
            if event.kind == "done":
                self._on_result(dropped, place, Result(True, str(event.fields["path"]), _remark(event)))
            elif event.fields.get("code") in WHILE_DOWN:
                if dropped is self._file:
                    self._waiting.appendleft(place)
            else:
                self._on_result(dropped, place, Result(False, event.fields.get("why", event.kind)))
        if self._waiting:
            self._loop.call_soon(self._feed)  # not now: the core is still handling this event


def _remark(event: JobEvent) -> str:
    """What is to say about a clip, or ""."""
    remark, takes = event.fields.get("remark"), event.prompt.takes
    return "; ".join(([f"the best of {takes}"] if takes > 1 else []) + ([str(remark)] if remark else []))
