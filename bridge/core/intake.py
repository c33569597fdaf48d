"""The intake: an ask comes in, is resolved in one call, and waits in the queue as a job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridge.core import outcome
from bridge.core.dispatcher import Dispatcher
from bridge.core.jobs import Jobs
from bridge.core.reporter import Reporter
from bridge.core.resolving import ask_of_recipe, resolve_ask
from bridge.core.state import DaemonState
from bridge.domain.ask import Ask
from bridge.domain.clip import Prompt
from bridge.domain.job import Job, JobId
from bridge.domain.model import NO_PREFERENCES, Preferences
from bridge.domain.recipe import Recipe
from bridge.library.library import Library
from bridge.live.stage import INTERNAL, Stage
from bridge.presets.files import Presets


class Intake:
    """`preempt` is called before a job is queued that somebody waits for."""

    def __init__(
        self,
        presets: Presets,
        jobs: Jobs,
        state: DaemonState,
        stage: Stage,
        dispatcher: Dispatcher,
        reporter: Reporter,
        library: Library | None,
        preempt: Callable[[], None],
    ) -> None:
        self._presets, self._jobs, self._state, self._stage = presets, jobs, state, stage
        self._dispatcher, self._reporter, self._library, self._preempt = dispatcher, reporter, library, preempt

    def generate(
        self, ask: Ask, owner: str, job_id: JobId | None, reply_to: Any, first: bool, into: str
    ) -> tuple[Job, bool]:
        """See Core.generate."""
        if (known := self._known(ask, owner, job_id, reply_to)) is not None:
            return known, False
        prompt, preferences = self.resolve(ask, into)
        return self._queue(ask, prompt, owner, job_id, reply_to, preferences, first), True

    def recall(self, recipe: Recipe, owner: str, job_id: JobId | None, reply_to: Any) -> tuple[Job, bool]:
        """See Core.recall."""
        ask = ask_of_recipe(recipe)
        if (known := self._known(ask, owner, job_id, reply_to)) is not None:
            return known, False
        prompt = recipe.prompt
        self._dispatcher.link.check_fits(prompt)
        return self._queue(ask, prompt, owner, job_id, reply_to, NO_PREFERENCES, recipe=recipe), True

    def resolve(self, ask: Ask, into: str = "") -> tuple[Prompt, Preferences]:
        """The prompt of an ask, within every limit: of its preset, of where it goes, of the audio device and of the checkpoint;
        and what its preset prefers. Opens the audio device for a clip that is to be heard. `into`: the
        sub-folder of a kit. Raises BadArgument, Unsupported, OutOfMemory and NoAudio."""
        prompt, preferences = resolve_ask(ask, self._presets, self._stage.live.tempo, into)
        self._stage.check(ask.sink or "folder")
        self._dispatcher.link.check_fits(prompt, preferences)
        return prompt, preferences

    def _known(self, ask: Ask, owner: str, job_id: JobId | None, reply_to: Any) -> Job | None:
        """The job that this ask repeats. Raises BadArgument; NotReady or Stopping if no job is accepted."""
        if job_id is not None and (known := self._jobs.repeat_of(owner, job_id, ask)) is not None:
            known.reply_to = reply_to
            return known
        self._state.check_open()
        return None

    def _queue(
        self,
        ask: Ask,
        prompt: Prompt,
        owner: str,
        job_id: JobId | None,
        reply_to: Any,
        preferences: Preferences,
        first: bool = False,
        recipe: Recipe | None = None,
    ) -> Job:
        place = self._jobs.place_before(1 if self._dispatcher.last_owner == owner else 0) if first else None
        if ask.sink not in INTERNAL:
            self._preempt()
        job = self._jobs.add(ask, prompt, owner, job_id, reply_to, preferences, place)
        job.recipe = recipe
        if self._library is not None and ask.sink not in INTERNAL:
            self._library.accepted(job)  # before it is acknowledged: a crash must not lose it
        eta_seconds = round(self._jobs.eta_seconds(job), 3)
        position = self._jobs.ahead_of(job)
        self._reporter.emit(
            job, "queued", position=position, eta_seconds=eta_seconds, seed=prompt.seed, **outcome.chosen(job)
        )
        self._dispatcher.feed()
        return job
