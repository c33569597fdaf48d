"""The intake: resolves an ask in one call and queues it as a job."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from bridge.core import outcome
from bridge.core.dispatcher import Dispatcher
from bridge.core.jobs import Jobs
from bridge.core.reporter import Reporter
from bridge.core.resolving import ask_of_recipe, resolve_ask
from bridge.core.state import DaemonState
from bridge.domain.ask import Ask, Request
from bridge.domain.clip import Prompt
from bridge.domain.job import Job, JobId
from bridge.domain.model import Preferences
from bridge.domain.recipe import Recipe
from bridge.live.stage import INTERNAL, Stage
from bridge.presets.files import Presets


class Intake:
    """`preempt` is called before a job is queued that was not made ahead."""

    def __init__(
        self,
        presets: Presets,
        jobs: Jobs,
        state: DaemonState,
        stage: Stage,
        dispatcher: Dispatcher,
        reporter: Reporter,
        preempt: Callable[[], None],
    ) -> None:
        self._presets, self._jobs, self._state, self._stage = presets, jobs, state, stage
        self._dispatcher, self._reporter, self._preempt = dispatcher, reporter, preempt

    def generate(
        self,
        ask: Ask,
        owner: str,
        job_id: JobId | None,
        reply_to: Any,
        first: bool = False,
        into: str = "",
        seed_drawn: bool = False,
    ) -> tuple[Job, bool]:
        """See Core.generate."""
        if (job := self._repeat_of(ask, owner, job_id, reply_to)) is not None:
            return job, False
        prompt, preferences = self.resolve(ask, into)
        job = Job(self._jobs.next_serial, _id(job_id), owner, ask, prompt, reply_to, preferences)
        job.seed_drawn = seed_drawn or ask.seed is None
        self._queue(job, first)
        return job, True

    def generate_ahead(self, request: Request) -> Job:
        """Queue what a kit, the stream or a pad requests. Raises as `generate` does."""
        return self.generate(request.ask, request.owner, None, None, request.first, request.into)[0]

    def recall(self, recipe: Recipe, owner: str, job_id: JobId | None, reply_to: Any) -> tuple[Job, bool]:
        """See Core.recall."""
        ask = ask_of_recipe(recipe)
        if (job := self._repeat_of(ask, owner, job_id, reply_to)) is not None:
            return job, False
        self._dispatcher.check_fits(recipe.prompt)
        job = Job(self._jobs.next_serial, _id(job_id), owner, ask, recipe.prompt, reply_to, recipe=recipe)
        self._queue(job)
        return job, True

    def resolve(self, ask: Ask, into: str = "") -> tuple[Prompt, Preferences]:
        """The prompt of an ask and the preferences of its preset, within the limits of its sink, the audio device and the
        checkpoint. Opens the audio device for a clip that will be played. `into`: the sub-folder of a kit.

        Raises BadArgument, Unsupported, OutOfMemory and NoAudio."""
        prompt, preferences = resolve_ask(ask, self._presets, self._stage.tempo, into)
        self._stage.check(ask, prompt.seconds)
        self._dispatcher.check_fits(prompt, preferences)
        return prompt, preferences

    def _repeat_of(self, ask: Ask, owner: str, job_id: JobId | None, reply_to: Any) -> Job | None:
        """The job that this ask repeats. Raises IdTaken; NotReady or Stopping if no job is accepted."""
        if job_id is not None and (job := self._jobs.repeat_of(owner, job_id, ask)) is not None:
            job.reply_to = reply_to
            return job
        self._state.check_open()
        return None

    def _queue(self, job: Job, first: bool = False) -> None:
        place = self._jobs.place_before(1 if self._dispatcher.last_owner == job.owner else 0) if first else None
        if job.ask.sink not in INTERNAL:
            self._preempt()
        self._jobs.add(job, place)
        position, eta_seconds = self._jobs.ahead_of(job), round(self._jobs.eta_seconds(job), 3)
        fields = {"position": position, "eta_seconds": eta_seconds, "seed": job.prompt.seed, **outcome.lowered(job)}
        self._reporter.emit(job, "queued", **fields)
        self._dispatcher.feed()


def _id(job_id: JobId | None) -> JobId:
    return secrets.token_hex(4) if job_id is None else job_id
