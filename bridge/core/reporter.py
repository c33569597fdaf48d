"""Reports what happens to jobs, and records it: each job gets exactly one terminal event, and nothing after it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from bridge.core.jobs import Jobs
from bridge.domain.events import JobEvent, Publish
from bridge.domain.job import Job
from bridge.errors import ClipbridgeError
from bridge.kits.making import Kits
from bridge.library.library import Library
from bridge.live.stage import INTERNAL, Stage

log = logging.getLogger("clipbridge")


class Reporter:
    """`drop` discards the samples of a job that ended without a clip."""

    def __init__(
        self,
        jobs: Jobs,
        stage: Stage,
        kits: Kits,
        library: Library | None,
        publish: Publish,
        drop: Callable[[Job], None],
    ) -> None:
        self._jobs, self._stage, self._kits, self._library = jobs, stage, kits, library
        self._publish, self._drop = publish, drop

    def fail(self, job: Job, error: ClipbridgeError) -> None:
        """End a job with an error."""
        self.emit(job, "failed", code=error.code, why=str(error))

    def emit(self, job: Job, kind: str, **fields: Any) -> None:
        """Report an event of a job; ignored once the job has ended."""
        if job.state.ended:
            return
        event = JobEvent(kind, job.id, fields, job.serial, job.owner, job.ask, job.prompt, reply_to=job.reply_to)
        job.last_event = event
        if kind != "progress":
            log.info("job %r %s %s%s", job.id, kind, fields, f" {job.prompt}" if kind == "queued" else "")
        if event.terminal:
            self._jobs.end(job, kind)
            if kind != "done":
                if job.voice:  # it is being played already
                    self._stage.silence(job.voice)
                self._drop(job)
            if self._library is not None:
                self._library.ended(job)
        if job.ask.sink in INTERNAL:
            self._stage.on_job_event(job, event)
            return
        if kind == "queued" and self._library is not None:
            self._library.accepted(job)  # before it is acknowledged: a crash must not lose it
        self._publish(event)
        self._kits.on_job_event(job, event)
