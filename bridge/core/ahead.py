"""Work made ahead: whenever the engine has time, pull the next request of the kits, the stream and the pads."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from bridge.core.dispatcher import Dispatcher
from bridge.core.state import DaemonState
from bridge.domain.ask import Request
from bridge.domain.events import JobEvent
from bridge.domain.job import Job
from bridge.errors import ClipbridgeError, QueueFull
from bridge.kits.making import Kits
from bridge.live.stage import Stage

log = logging.getLogger("clipbridge")


class Source(Protocol):
    """Kits, the stream or the pads."""

    def next_request(self) -> Request | None:
        """What to make next, or None."""

    def on_started(self, job: Job) -> None:
        """The last request is queued as this job."""

    def on_job_event(self, job: Job, event: JobEvent) -> None:
        """Something happened to a job, perhaps one of this source."""

    def on_refused(self, error: ClipbridgeError) -> None:
        """The last request cannot be queued."""


class Ahead:
    """`generate` queues a request; `cancel` ends a job."""

    def __init__(
        self,
        stage: Stage,
        kits: Kits,
        dispatcher: Dispatcher,
        state: DaemonState,
        generate: Callable[[Request], Job],
        cancel: Callable[[Job], None],
    ) -> None:
        self._stage, self._kits, self._dispatcher, self._state = stage, kits, dispatcher, state
        self._generate, self._cancel = generate, cancel
        self._pulling = False

    def pull(self) -> None:
        """Cancel abandoned jobs and queue the next requests. Cheap if there is nothing to do."""
        if self._pulling:
            return
        self._pulling = True
        try:
            for job in self._stage.pop_abandoned_jobs():
                self._cancel(job)
            for pull in (self._pull_kits, self._pull_stream, self._pull_pads):
                try:
                    pull()
                except Exception:  # none of them may end the daemon
                    log.exception("making ahead failed")
        finally:
            self._pulling = False

    def _pull_kits(self) -> None:
        self._kits.begin(self._state.refusal())
        while self._pull_one(self._kits):
            pass
        self._kits.map_when_complete()

    def _pull_stream(self) -> None:
        if self._dispatcher.idle or (self._stage.stream.urgent and self._state.serving):
            self._pull_one(self._stage.stream)

    def _pull_pads(self) -> None:
        if self._dispatcher.idle:
            self._pull_one(self._stage.pads)

    def _pull_one(self, source: Source) -> bool:
        """Queue one request. Returns whether the source may have another one."""
        request = source.next_request()
        if request is None:
            return False
        try:
            job = self._generate(request)
        except ClipbridgeError as error:
            source.on_refused(error)
            return not isinstance(error, QueueFull)
        source.on_started(job)
        if job.state.ended and job.last_event is not None:  # it failed as soon as the engine was to start it
            source.on_job_event(job, job.last_event)
        return True
