"""Jobs: which ask is which job, in what order they wait, and how long each will take. Pure bookkeeping."""

from __future__ import annotations

import collections
import dataclasses
import secrets
import time
from typing import Any

from bridge.core import deadlines
from bridge.core.eta import Eta
from bridge.domain.ask import Ask
from bridge.domain.clip import Prompt
from bridge.domain.job import Job, JobId, JobState, id_key
from bridge.domain.model import NO_PREFERENCES, Abilities, Preferences
from bridge.errors import IdTaken, QueueFull, TooLate, UnknownJob

QUEUE_LIMIT = 64
REPEAT_WINDOW_S = 10.0
REMEMBERED_JOBS = 1_000


class Jobs:
    """All jobs that are known: waiting, in work, and the last thousand that ended. Ids belong to an owner."""

    def __init__(self) -> None:
        self.queue: collections.deque[Job] = collections.deque()
        self.running: dict[int, Job] = {}  # by serial: what engines work on; perhaps cancelled and not yet stopped
        self.shaping: dict[int, Job] = {}  # by serial
        self.unfinished: dict[int, Job] = {}  # by serial
        self.eta = Eta()
        self.abilities: Abilities | None = None  # of the checkpoint, once it is known
        self._by_id: collections.OrderedDict[tuple[str, str], Job] = collections.OrderedDict()
        self._serial = 0

    @property
    def idle(self) -> bool:
        return not (self.queue or self.running or self.shaping)

    @property
    def current(self) -> Job | None:
        """A job that an engine works on and that has not ended."""
        return next((job for job in self.running.values() if not job.state.ended), None)

    # ---- the states of a job: it changes them here and nowhere else ----

    def start(self, job: Job) -> None:
        """Move a waiting job to an engine."""
        self.queue.remove(job)
        job.state, job.started_at = JobState.RUNNING, time.monotonic()
        job.engine_seconds = self.eta.engine_seconds(job.prompt)
        self.running[job.serial] = job

    def requeue(self, job: Job, why: str) -> None:
        """Let a job be made once more, before all others, with the next seed."""
        job.again, job.state, job.pieces = why, JobState.QUEUED, 0
        job.prompt = dataclasses.replace(job.prompt, seed=job.prompt.seed_of(job.prompt.takes + 1))
        self.queue.appendleft(job)

    def end(self, job: Job, kind: str) -> None:
        """A job is done, failed or cancelled."""
        job.state, job.ended_at = JobState(kind), time.monotonic()
        self.unfinished.pop(job.serial, None)

    # ---- which ask is which job ----

    def repeat_of(self, owner: str, job_id: JobId, ask: Ask) -> Job | None:
        """The job that this ask repeats: same id and ask, unfinished or ended within REPEAT_WINDOW_S seconds.

        Raises IdTaken if the id is taken by an unfinished job with another ask.
        """
        known = self._by_id.get((owner, id_key(job_id)))
        if known is None:
            return None
        if known.ask == ask:
            recent = not known.state.ended or time.monotonic() - known.ended_at < REPEAT_WINDOW_S
            return known if recent else None
        if not known.state.ended:
            raise IdTaken(f"The id {job_id!r} belongs to a job that is not finished and asked for something else.")
        return None

    def add(
        self,
        ask: Ask,
        prompt: Prompt,
        owner: str,
        job_id: JobId | None,
        reply_to: Any,
        preferences: Preferences = NO_PREFERENCES,
        place: int | None = None,
    ) -> Job:
        """A new job at the end of the queue, or at a `place` in it (then the queue is never full), its takes and steps lowered
        if it has a deadline. Raises QueueFull, saying how long until there is a place, and TooLate."""
        if place is None and len(self.queue) >= QUEUE_LIMIT:
            wait = self.remaining_seconds() or self.queue[0].engine_seconds
            when = f"in about {wait:.1f} s" if wait else "when the engine is ready and the first of them is done"
            raise QueueFull(f"{len(self.queue)} jobs are waiting; a place is free {when}.")
        new_id = secrets.token_hex(4) if job_id is None else job_id
        job = Job(self._serial + 1, new_id, owner, ask, prompt, reply_to, preferences)
        if self.abilities is not None:
            job.settle(self.abilities)
        self.meet_deadline(job, self.remaining_seconds() + sum(other.engine_seconds for other in self.queue))
        self._serial += 1
        job.engine_seconds = self.eta.engine_seconds(job.prompt)
        self.queue.insert(len(self.queue) if place is None else place, job)
        self.unfinished[job.serial] = job
        self._by_id[(owner, id_key(job.id))] = job
        self._by_id.move_to_end((owner, id_key(job.id)))
        while len(self._by_id) > REMEMBERED_JOBS + len(self.unfinished):
            del self._by_id[next(key for key, old in self._by_id.items() if old.state.ended)]
        return job

    def place_before(self, behind: int) -> int:
        """First queue position after `behind` jobs and after every job with a deadline."""
        promised = [place + 1 for place, job in enumerate(self.queue) if job.ask.deadline_s is not None]
        return max([min(behind, len(self.queue)), *promised])

    def meet_deadline(self, job: Job, before_s: float = 0.0) -> None:
        """Lower what must be lowered for a job that starts in `before_s` seconds. Raises TooLate."""
        if job.ask.deadline_s is None:
            return
        left_s = job.asked_at + job.ask.deadline_s - time.monotonic() - before_s
        fitted = deadlines.fit(job.prompt, left_s, job.least_steps, self.eta.seconds)
        if fitted is None:
            least = dataclasses.replace(job.prompt, takes=1, steps=job.least_steps)
            steps = "" if job.least_steps is None else f" of {job.least_steps} steps"
            needed = job.ask.deadline_s - left_s + deadlines.ROOM * self.eta.seconds(least)
            raise TooLate(
                f"This clip cannot be there {job.ask.deadline_s:g} s after it was asked for, even with one take"
                f"{steps}: that takes about {needed:.1f} s. Ask for a shorter clip, or earlier."
            )
        job.prompt = fitted

    def set_abilities(self, abilities: Abilities) -> None:
        """The checkpoint is known: settle what waits, unless it was settled for such a checkpoint already."""
        if abilities != self.abilities:
            self.abilities = abilities
            for job in self.queue:
                job.settle(abilities)
        self.eta.whole_s = abilities.seconds.high if abilities.fixed_cost else 0.0

    def forget_checkpoint(self) -> None:
        """Another checkpoint will be loaded: its abilities and times are not known."""
        self.eta, self.abilities = Eta(), None

    def estimate(self) -> None:
        """Estimate the waiting jobs again: those that came before anything was measured counted as nothing."""
        for job in self.queue:
            job.engine_seconds = self.eta.engine_seconds(job.prompt)

    def get(self, owner: str, job_id: JobId) -> Job:
        """The job with this id. Raises UnknownJob."""
        job = self._by_id.get((owner, id_key(job_id)))
        if job is None:
            raise UnknownJob(f"There is no job with the id {job_id!r}.")
        return job

    def cancellable(self, owner: str, job_id: JobId | None) -> list[Job]:
        """The unfinished jobs of `owner`, or the one with this id, whose clip is not being written yet.

        Raises UnknownJob if `job_id` names no unfinished job.
        """
        if job_id is None:
            return [job for job in self.unfinished.values() if job.owner == owner and job.serial not in self.shaping]
        job = self.get(owner, job_id)
        if job.state.ended:
            raise UnknownJob(f"The job with the id {job_id!r} is finished.")
        return [job] if job.serial not in self.shaping else []

    def ahead_of(self, job: Job) -> int:
        """The number of jobs before this one."""
        return self.queue.index(job) + sum(not running.state.ended for running in self.running.values())

    def eta_seconds(self, job: Job) -> float:
        """Seconds until the clip of this waiting job is in the folder; 0 while nothing was measured yet."""
        own = self.eta.seconds(job.prompt)
        before = sum(other.engine_seconds for other in self.queue if other.serial < job.serial)
        return own and self.remaining_seconds() + before + own

    def remaining_seconds(self) -> float:
        """Seconds that the engine still needs for what it works on."""
        now = time.monotonic()
        left_s = [job.engine_seconds - (now - job.started_at) for job in self.running.values() if not job.state.ended]
        return max([0.0, *left_s])
