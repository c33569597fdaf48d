"""Jobs: find them by id, keep the queue in order, estimate how long each takes. Pure bookkeeping."""

from __future__ import annotations

import collections
import dataclasses
import time

from bridge.core import deadlines
from bridge.core.eta import Eta
from bridge.domain.ask import Ask
from bridge.domain.job import Job, JobId, JobState, id_key
from bridge.domain.model import Abilities
from bridge.errors import IdTaken, QueueFull, TooLate, UnknownJob

QUEUE_LIMIT = 64
REPEAT_WINDOW_S = 10.0
REMEMBERED_JOBS = 1_000
RATE_S = 60.0


class Jobs:
    """All unfinished jobs, and the last REMEMBERED_JOBS that ended. Ids belong to an owner."""

    def __init__(self) -> None:
        self.queue: collections.deque[Job] = collections.deque()
        # By serial:
        self.running: dict[int, Job] = {}  # an engine works on them; a cancelled one stays until it stops
        self.shaping: dict[int, Job] = {}
        self.unfinished: dict[int, Job] = {}
        self.slots = 1  # jobs that run at a time
        self.eta = Eta()
        self.abilities: Abilities | None = None  # of the checkpoint, once it is known
        self._by_id: collections.OrderedDict[tuple[str, str], Job] = collections.OrderedDict()
        self._done_at: collections.deque[float] = collections.deque()  # within RATE_S
        self._last_serial = 0

    @property
    def idle(self) -> bool:
        return not (self.queue or self.running or self.shaping)

    @property
    def current(self) -> Job | None:
        """The job that an engine works on, unless it has ended."""
        return next((job for job in self.running.values() if not job.state.ended), None)

    @property
    def unbegun(self) -> int:
        """The number of jobs that were sent to an engine, which has not begun them: those of others come first there."""
        return sum(not (job.is_begun or job.state.ended) for job in self.running.values())

    @property
    def rate(self) -> int:
        """The number of jobs that were done in the last RATE_S seconds."""
        self._forget_old()
        return len(self._done_at)

    @property
    def next_serial(self) -> int:
        """The serial of the next job to add."""
        return self._last_serial + 1

    # ---- the states of a job: they change here and nowhere else ----

    def add(self, job: Job, place: int | None = None) -> None:
        """Queue a new job, last or at `place` (for which the queue is never full). Lowers its takes and steps to meet its
        deadline. Raises QueueFull and TooLate."""
        if place is None and len(self.queue) >= QUEUE_LIMIT:
            wait = self.remaining_seconds() or self.queue[0].engine_seconds
            when = f"in about {wait:.1f} s" if wait else "when the engine is ready and the first of them is done"
            raise QueueFull(f"{len(self.queue)} jobs are waiting; a place is free {when}.")
        if self.abilities is not None:
            job.settle(self.abilities)
        waiting_s = sum(other.engine_seconds for other in self.queue) / self.slots
        self.meet_deadline(job, self.remaining_seconds() + waiting_s)
        job.engine_seconds = self.eta.engine_seconds(job.prompt)
        self._last_serial = job.serial
        self.queue.insert(len(self.queue) if place is None else place, job)
        self.unfinished[job.serial] = job
        key = (job.owner, id_key(job.id))
        self._by_id[key] = job
        self._by_id.move_to_end(key)
        while len(self._by_id) > REMEMBERED_JOBS + len(self.unfinished):
            del self._by_id[next(key for key, old in self._by_id.items() if old.state.ended)]

    def start(self, job: Job) -> None:
        """Move a waiting job to an engine."""
        self.queue.remove(job)
        job.state, job.started_at = JobState.RUNNING, time.monotonic()
        job.engine_seconds = self.eta.engine_seconds(job.prompt)
        self.running[job.serial] = job

    def give_back(self, job: Job) -> None:
        """Queue a job again, before all others, because no engine began it."""
        job.state = JobState.QUEUED
        self.queue.appendleft(job)

    def requeue(self, job: Job, why: str) -> None:
        """Queue a job a second time, before all others, with the next seed."""
        job.retry_reason, job.state, job.pieces = why, JobState.QUEUED, 0
        job.prompt = dataclasses.replace(job.prompt, seed=job.prompt.seed_of(job.prompt.takes + 1))
        self.queue.appendleft(job)

    def end(self, job: Job, kind: str) -> None:
        """Mark a job as done, failed or cancelled."""
        job.state, job.ended_at = JobState(kind), time.monotonic()
        if job.state is JobState.DONE:
            self._done_at.append(job.ended_at)
            self._forget_old()
        self.unfinished.pop(job.serial, None)

    def _forget_old(self) -> None:
        while self._done_at and time.monotonic() - self._done_at[0] > RATE_S:
            self._done_at.popleft()

    # ---- by id ----

    def repeat_of(self, owner: str, job_id: JobId, ask: Ask) -> Job | None:
        """The job that this ask repeats: same id, same ask, unfinished or ended within REPEAT_WINDOW_S seconds.

        Raises IdTaken if an unfinished job with another ask has this id.
        """
        job = self._by_id.get((owner, id_key(job_id)))
        if job is None:
            return None
        if job.ask == ask:
            recent = not job.state.ended or time.monotonic() - job.ended_at < REPEAT_WINDOW_S
            return job if recent else None
        if not job.state.ended:
            raise IdTaken(f"The id {job_id!r} belongs to an unfinished job with another prompt: choose another id.")
        return None

    def get(self, owner: str, job_id: JobId) -> Job:
        """The job with this id. Raises UnknownJob."""
        job = self._by_id.get((owner, id_key(job_id)))
        if job is None:
            raise UnknownJob(f"There is no job with the id {job_id!r}.")
        return job

    def cancellable(self, owner: str, job_id: JobId | None) -> list[Job]:
        """The unfinished jobs of `owner`, or the one with this id, without those whose clip is already being written.

        Raises UnknownJob if `job_id` names no unfinished job.
        """
        if job_id is None:
            return [job for job in self.unfinished.values() if job.owner == owner and job.serial not in self.shaping]
        job = self.get(owner, job_id)
        if job.state.ended:
            raise UnknownJob(f"The job with the id {job_id!r} is finished.")
        return [job] if job.serial not in self.shaping else []

    # ---- the queue, the checkpoint and the time that jobs take ----

    def place_before(self, behind: int) -> int:
        """First queue position after `behind` jobs and after every job with a deadline."""
        after_deadlines = [place + 1 for place, job in enumerate(self.queue) if job.ask.deadline_s is not None]
        return max([min(behind, len(self.queue)), *after_deadlines])

    def meet_deadline(self, job: Job, before_s: float = 0.0) -> None:
        """Lower takes and steps of a job that starts in `before_s` seconds to meet its deadline. Raises TooLate."""
        if job.ask.deadline_s is None:
            return
        left_s = job.asked_at + job.ask.deadline_s - time.monotonic() - before_s
        prompt = deadlines.fit(job.prompt, left_s, job.least_steps, self.eta.seconds)
        if prompt is None:
            least = dataclasses.replace(job.prompt, takes=1, steps=job.least_steps)
            steps = "" if job.least_steps is None else f" of {job.least_steps} steps"
            needed = job.ask.deadline_s - left_s + deadlines.ROOM * self.eta.seconds(least)
            raise TooLate(
                f"This clip cannot be ready within {job.ask.deadline_s:g} s, even with one take{steps}: it needs about "
                f"{needed:.1f} s. Ask for a shorter clip, or allow more time."
            )
        job.prompt = prompt

    def set_abilities(self, abilities: Abilities) -> None:
        """Settle the waiting jobs for a checkpoint with these abilities, unless they are already."""
        if abilities != self.abilities:
            self.abilities = abilities
            for job in self.queue:
                job.settle(abilities)
        self.eta.whole_s = abilities.whole_s

    def forget_checkpoint(self) -> None:
        """Forget the abilities and times of the checkpoint: another one will be loaded."""
        self.forget_times()
        self.abilities = None

    def forget_times(self) -> None:
        """Forget the learned times: something else will make the clips, or makes them in another way."""
        self.eta = Eta()

    def estimate(self) -> None:
        """Estimate the waiting jobs again: they counted as 0 s until something was measured."""
        for job in self.queue:
            job.engine_seconds = self.eta.engine_seconds(job.prompt)

    def in_order(self) -> list[Job]:
        """All unfinished jobs: first those that are being made or written, then those that wait, in their order."""
        waiting = {job.serial for job in self.queue}
        return [*(job for job in self.unfinished.values() if job.serial not in waiting), *self.queue]

    def ahead_of(self, job: Job) -> int:
        """The number of jobs before this one."""
        return self.queue.index(job) + sum(not running.state.ended for running in self.running.values())

    def eta_seconds(self, job: Job) -> float:
        """Seconds until the clip of this waiting job is delivered; 0 while nothing has been measured."""
        own = self.eta.seconds(job.prompt)
        before = sum(other.engine_seconds for other in self.queue if other.serial < job.serial) / self.slots
        return own and self.remaining_seconds() + before + own

    def remaining_seconds(self) -> float:
        """Seconds until an engine is free for the next job."""
        left_s = [self.left_seconds(job) for job in self.running.values() if not job.state.ended]
        return 0.0 if len(left_s) < self.slots else min(left_s)

    @staticmethod
    def left_seconds(job: Job) -> float:
        """Seconds that an engine still needs for a running job."""
        return max(0.0, job.engine_seconds - (time.monotonic() - job.started_at))
