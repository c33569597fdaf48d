"""The inbox: lists of prompts that are dropped into a folder become clips, dropped clips are made again from their recipes.

The folder is looked at on a thread of its own; asking and hearing of the jobs is done on the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from bridge.config import InboxConfig
from bridge.core.core import Core
from bridge.domain.ask import Ask
from bridge.domain.events import Event, InboxChanged, JobEvent, StateChanged
from bridge.domain.job import Job
from bridge.domain.recipe import Recipe
from bridge.errors import ClipbridgeError, ConfigError, NotReady, QueueFull, Stopping, UnknownJob
from bridge.frontends.inbox.folder import UNCHANGED_S, Dropped, InboxFolder, Result
from bridge.system.watch import Watch

log = logging.getLogger("clipbridge")

OWNER = "inbox"
INBOX_JOBS = 2  # jobs that are not finished, so that nobody waits behind a long list
INBOX_RETRY_S = 0.25
INBOX_RESCAN_S = 5.0  # also where the folder cannot be watched
WHILE_DOWN = (Stopping.code, NotReady.code)  # jobs that ended so are asked for again when there is an engine


@contextlib.asynccontextmanager
async def serve_inbox(core: Core, config: InboxConfig, samples: Path) -> AsyncIterator[None]:
    """Take what is dropped into the inbox until the context ends; "" for none. `samples`: the sample folder, which it must
    not be. Raises ConfigError; a folder that cannot be used is told to the listeners instead."""
    if not config.folder:
        yield
        return
    try:
        folder = Path(config.folder).expanduser().absolute()
    except (RuntimeError, OSError) as error:  # ~nobody
        raise ConfigError(f"inbox.folder: {error}") from error
    inbox = Inbox(core, InboxFolder(folder, samples))
    core.listeners.append(inbox)
    inbox.start()
    try:
        yield
    finally:
        core.listeners.remove(inbox)
        await asyncio.to_thread(inbox.close)


class Inbox:
    """One file after the other. `look`, `close` and what they call run on the thread of the watch, all else on the loop."""

    def __init__(self, core: Core, folder: InboxFolder) -> None:
        self._core, self._folder = core, folder
        self._loop = asyncio.get_running_loop()
        self._watch = Watch(folder.folder, self.look, every_s=INBOX_RESCAN_S)
        self._ending = threading.Event()
        self._ended: queue.SimpleQueue[tuple[Dropped, int, Result]] = queue.SimpleQueue()  # from the loop to the thread
        # On the thread:
        self._looking = threading.Lock()
        self._told = ("", "")
        self._work: Dropped | None = None
        self._unmoved: list[Dropped] = []
        # On the loop:
        self._asking: Dropped | None = None
        self._waiting: deque[int] = deque()  # places of its entries that are not asked for yet
        self._unfinished: dict[int, tuple[Dropped, int]] = {}  # by the job's serial
        self._again: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin; returns at once."""
        self._watch.start()

    def close(self) -> None:
        """Note what was made, and let another Clipbridge have the folder."""
        self._ending.set()
        self._watch.close()
        if self._looking.acquire(timeout=1.0):  # else a disk does not answer
            self._collect()
            self._folder.close()
            self._looking.release()

    # ---- on the thread of the watch ----

    def look(self) -> None:
        """Take the next file, or see whether the one that is in work is still there."""
        with self._looking:
            writing = True
            while writing and not self._ending.is_set():
                writing = self._look_once()
                if writing:
                    self._ending.wait(UNCHANGED_S)

    def _look_once(self) -> bool:
        """Returns whether a file is still being written."""
        fault = self._folder.ready()
        self._tell_state(*(("closed", fault) if fault else ("open", str(self._folder.folder))))
        if fault:
            return False
        self._collect()
        self._unmoved = [dropped for dropped in self._unmoved if self._folder.state_of(dropped) == "same"]
        for dropped in self._unmoved[:]:
            self._finish(dropped)
        if self._work is not None and (state := self._folder.state_of(self._work)) != "same":
            # Taken out again, or edited: what is not asked for yet is not wanted any more.
            dropped, self._work = self._work, None
            self._on_loop(self._withdraw, dropped)
            if state == "gone":
                self._folder.forget(dropped)
                self._on_loop(self._tell, "withdrawn", dropped.name)
        while self._work is None:
            dropped_now, writing = self._folder.next()
            if dropped_now is None:
                return writing
            if dropped_now.open:
                self._work = dropped_now
                self._on_loop(self._begin, dropped_now, dropped_now.open)
            else:
                self._finish(dropped_now)
        return False

    def _collect(self) -> None:
        """Note how the jobs ended that the loop has told of."""
        changed = False
        with contextlib.suppress(queue.Empty):
            while True:
                dropped, place, result = self._ended.get_nowait()
                dropped.results[place] = result
                changed |= dropped is self._work
        if self._work is not None and changed:
            self._folder.keep(self._work)
            if not self._work.open and self._folder.state_of(self._work) == "same":
                dropped, self._work = self._work, None
                self._finish(dropped)

    def _finish(self, dropped: Dropped) -> None:
        try:
            report = self._folder.finish(dropped)
        except OSError as error:
            if dropped not in self._unmoved:
                self._unmoved.append(dropped)
                why = f"{dropped.name} is done with and cannot be moved ({error.strerror or error})"
                self._on_loop(self._tell, "stuck", why)
        else:
            if dropped in self._unmoved:
                self._unmoved.remove(dropped)
            self._on_loop(self._tell, "done" if dropped.well else "failed", str(report))

    def _tell_state(self, state: str, what: str) -> None:
        if (state, what) != self._told:
            self._told = (state, what)
            self._watch.wake()  # it may be there only since this look, and is watched from the next one on
            self._on_loop(self._tell, state, what)

    def _on_loop(self, call: Callable[..., None], *values: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the daemon has ended
            self._loop.call_soon_threadsafe(call, *values)

    # ---- on the event loop ----

    def _tell(self, state: str, what: str) -> None:
        log.info("inbox %s %s", state, what)
        self._core.publish(InboxChanged(state, what))

    def _begin(self, dropped: Dropped, places: list[int]) -> None:
        self._asking, self._waiting = dropped, deque(places)
        self._tell("begun", dropped.name)
        self._feed()

    def _withdraw(self, dropped: Dropped) -> None:
        if self._asking is dropped:
            self._asking = None
            self._waiting.clear()
        for serial, (whose, _place) in list(self._unfinished.items()):
            job = self._core.jobs.unfinished.get(serial)
            if whose is dropped and job is not None:
                with contextlib.suppress(UnknownJob):
                    self._core.cancel(OWNER, job.id)

    def _feed(self) -> None:
        """Ask for what comes next, if there is room."""
        if self._again is not None:
            self._again.cancel()
            self._again = None
        while self._waiting and len(self._unfinished) < INBOX_JOBS and self._core.state not in ("failed", "stopping"):
            assert self._asking is not None
            if self._others_first():
                self._feed_later()
                return
            dropped, place = self._asking, self._waiting.popleft()
            try:
                what = dropped.entries[place].what
                assert what is not None
                job = ask(self._core, what)
            except (QueueFull, NotReady, Stopping):
                self._waiting.appendleft(place)
                self._feed_later()
                return
            except ClipbridgeError as error:
                self._note(dropped, place, Result(False, str(error)))
            except Exception:  # one entry must not end the list
                log.exception("asking for entry %d of %r", place + 1, dropped.name)
                self._note(dropped, place, Result(False, "Clipbridge failed on this; see its log."))
            else:
                self._unfinished[job.serial] = (dropped, place)
                if job.state.ended and job.last_event is not None:  # in the very moment in which it was to begin
                    self._job_ended(job.last_event)

    def _others_first(self) -> bool:
        """Whether the engine makes, or is about to make, something for who plays live: that must not give way to a list."""
        stage, running = self._core.stage, self._core.jobs.current
        busy = running is not None and stage.is_speculative(running)
        return busy or stage.pads.need_takes()

    def _feed_later(self) -> None:
        if self._again is None:
            self._again = self._loop.call_later(INBOX_RETRY_S, self._feed)

    def _note(self, dropped: Dropped, place: int, result: Result) -> None:
        self._ended.put((dropped, place, result))
        self._watch.wake()

    # ---- events (Listener) ----

    def on_event(self, event: Event) -> None:
        """Go on when a job has ended, or when the engine may be ready again."""
        if isinstance(event, JobEvent) and event.terminal:
            self._job_ended(event)
        elif isinstance(event, StateChanged) and self._waiting:
            self._loop.call_soon(self._feed)

    def _job_ended(self, event: JobEvent) -> None:
        """Perhaps one of ours; in any case there is room."""
        dropped, place = self._unfinished.pop(event.serial, (None, 0))
        if dropped is not None:
            if event.kind == "done":
                self._note(dropped, place, Result(True, _made(event)))
            elif event.fields.get("code") in WHILE_DOWN:
                if dropped is self._asking:
                    self._waiting.appendleft(place)
            else:
                self._note(dropped, place, Result(False, event.fields.get("why", event.kind)))
        if self._waiting:
            self._loop.call_soon(self._feed)  # later: the core is in the middle of something


def ask(core: Any, what: Ask | Recipe) -> Job:
    """Ask the core for a clip: a new one, or one again. Raises as `Core.generate` does."""
    job, _new = core.recall(what, owner=OWNER) if isinstance(what, Recipe) else core.generate(what, OWNER)
    assert isinstance(job, Job)
    return job


def _made(event: JobEvent) -> str:
    fields, takes = event.fields, event.prompt.takes
    notes = [f"the best of {takes}"] if takes > 1 else []
    notes += [str(fields["remark"])] if fields.get("remark") else []
    return f"{fields['path']} ({'; '.join(notes)})" if notes else str(fields["path"])
