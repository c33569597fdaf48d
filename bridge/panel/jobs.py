"""What runs, waits and failed, from the daemon's events. No widgets here: thousands of events a second only change this table."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from bridge.client import pairs
from bridge.domain.learning import name_for

if TYPE_CHECKING:
    from bridge.domain.events import JobId

SENT, WAITING, RUNNING, FAILED = "sent", "waiting", "running", "failed"
AGAIN_S = 2.0  # without an answer, the same ask with the same id is sent again, once
GIVE_UP_S = 6.0
QUIET_S = 10.0  # without an event, an accepted job is looked for in the queue: the message that it ended may be lost
MOST_AGAIN = 64  # clips that are made again at once: the daemon's queue
MOST_FAILURES = 20
MOST_JOBS = 200  # that are shown; the daemon has 64 at most
MOST_NUMBERS = 99  # of models whose names differ in a number
LEARNING = "/bridge/learn/"
NO_ANSWER = "Clipbridge did not answer."
ENDED = "Clipbridge ended before it was made."
LOST = "Clipbridge no longer has this job. If it was made, its clip is in the list."


def new_id() -> str:
    """An id for a job of this window, which no other program has."""
    return f"panel-{secrets.token_hex(5)}"


def learning_id(name: str) -> str:
    """The id of the row of a folder that is learned, which no job has."""
    return f"learn\0{name}"


def _number_of(name: str) -> int:
    """The number at the end of the name of a model, 1 without one."""
    number = name.rpartition(" ")[2]
    return int(number) if number.isdecimal() and len(number) <= 3 else 1


def _loss(facts: dict[str, Any]) -> str:
    match facts.get("held_out"), facts.get("base"):
        case float(loss), float(base) if base > 0:
            return f", loss {loss:.2f} (was {base:.2f})"
    return ""


@dataclass(slots=True)
class Job:
    """A row. `place`: the number of jobs before it. `due`: when it will be ready (`time.monotonic`), 0 if unknown. `own`: asked
    by this window. `yours`: it can be cancelled from here. `heard_at`: when it was sent, or heard of last. `missed`: it is not in the
    queue, and was asked about."""

    id: JobId
    prompt: str
    seconds: float = 0.0
    state: str = SENT
    place: int = 0
    due: float = 0.0
    fraction: float = 0.0
    why: str = ""
    own: bool = False
    yours: bool = True
    source: str = ""  # what it starts from, "" if from words alone
    cancelling: bool = False
    heard_at: float = 0.0
    missed: bool = False
    datagram: tuple[Any, ...] = ()  # address and arguments, to send them again
    learns: str = ""  # the name of the model, if it is a folder that is learned


class Jobs:
    """The table. `send` sends a message to the daemon; `changed` tells whether anything did since it was last set to False."""

    def __init__(self, send: Callable[..., None]) -> None:
        self._send = send
        self._jobs: dict[JobId, Job] = {}
        self._listed: list[Job] | None = None  # the answer to /bridge/queue, while it arrives
        self._expected = 0
        self.changed = True
        self.wants_queue = False  # jobs that are not in the table, or places that have moved

    def rows(self) -> list[Job]:
        """Running jobs, then those that wait in their order, then failures."""
        order = {RUNNING: 0, WAITING: 1, SENT: 2, FAILED: 3}
        return sorted(self._jobs.values(), key=lambda job: (order[job.state], job.place if job.state == WAITING else 0))

    def ask(self, job_id: JobId, prompt: str, seconds: float, *arguments: Any, source: str = "") -> None:
        """Send /bridge/generate and show the job. Raises BadArgument if it cannot be sent."""
        self._begin(Job(job_id, prompt, seconds, source=source), "/bridge/generate", *arguments)

    def recall(self, path: str) -> None:
        """Ask for the clip at `path` again, from its recipe, and show the job. Raises BadArgument if it cannot be sent."""
        job_id = new_id()
        self._begin(Job(job_id, PurePath(path).name), "/bridge/recall", path, "id", job_id)

    def learn(self, folder: str, number: int = 1) -> None:
        """Have a folder learned, and show how far it is. `number`: of its model, if its name is taken. Raises BadArgument if it cannot be
        sent."""
        name = name_for(PurePath(folder).name) + (f" {number}" if number > 1 else "")
        job = Job(learning_id(name), f"Learning {name}", learns=name)
        self._begin(job, "/bridge/learn", PurePath(folder).as_posix(), name)

    def _begin(self, job: Job, *datagram: Any) -> None:
        self._send(*datagram)
        job.own, job.heard_at, job.datagram = True, time.monotonic(), datagram
        self._jobs[job.id] = job
        self.changed = True

    def owns(self, job_id: object) -> Job | None:
        """The job of that id, if this window asked for it."""
        job = self._jobs.get(job_id) if isinstance(job_id, int | float | str) else None
        return job if job is not None and job.own else None

    def remove(self, job_id: JobId) -> None:
        """✕: cancel a job, or dismiss a failure."""
        job = self._jobs.get(job_id)
        if job is None:
            return
        if job.state == FAILED:
            del self._jobs[job_id]
        else:
            job.cancelling = True
            self._send(*(("/bridge/learn/cancel", job.learns) if job.learns else ("/bridge/cancel", job_id)))
        self.changed = True

    def on_absent(self) -> None:
        """The daemon is gone: what it had not made fails."""
        for job in list(self._jobs.values()):
            if job.state != FAILED:
                self._fail(job, ENDED)

    def tick(self) -> None:
        """Once or more a second: send again what was not answered, ask for the queue if it is needed."""
        now = time.monotonic()
        for job in list(self._jobs.values()):
            if job.state == SENT and now - job.heard_at > GIVE_UP_S:
                self._fail(job, NO_ANSWER)
            elif job.state == SENT and job.datagram and now - job.heard_at > AGAIN_S:
                self._send(*job.datagram)
                job.datagram = ()
            elif job.learns:
                if now - job.heard_at > QUIET_S:
                    job.heard_at = now
                    self._send("/bridge/learning")
            elif job.own and job.state in (WAITING, RUNNING) and now - job.heard_at > QUIET_S:
                job.heard_at, self.wants_queue = now, True
        if self.wants_queue:
            self.wants_queue = False
            self._send("/bridge/queue")

    def on_message(self, address: str, arguments: list[Any]) -> None:
        """A message from the daemon. What is not well-formed is ignored."""
        match address, arguments:
            case "/bridge/queue/count", [int(count), *_]:
                self._listed, self._expected = [], min(count, MOST_JOBS)
                self._finish_list()
            case "/bridge/queue/job", [job_id, int(place), str(prompt), float(seconds), *rest] if (
                self._listed is not None
            ):
                self._list(job_id, place, prompt, seconds, pairs(rest, 0))
            case str(), [str(name), *rest] if address.startswith(LEARNING):
                self._on_learning(address.removeprefix(LEARNING), name, rest)
            case (
                ("/bridge/queued" | "/bridge/progress" | "/bridge/done" | "/bridge/failed" | "/bridge/cancelled"),
                [
                    (int() | float() | str()) as job_id,
                    *rest,
                ],
            ):
                self._on_event(address.removeprefix("/bridge/"), job_id, rest)

    def _on_event(self, kind: str, job_id: JobId, rest: list[Any]) -> None:
        job = self._jobs.get(job_id)
        if job is None:
            self.wants_queue |= kind in ("queued", "progress")
            return
        self.changed = True
        job.heard_at, job.missed = time.monotonic(), False
        match kind, rest:
            case "queued", [int(place), float(eta), *_]:
                job.state, job.place, job.datagram = WAITING, place, ()
                job.due = time.monotonic() + eta if eta > 0 else 0.0
            case "progress", [float(fraction), *_] if job.state != FAILED:
                job.state, job.fraction, job.datagram = RUNNING, min(max(fraction, 0.0), 1.0), ()
            case "failed", [str(), str(why), *_]:
                self._fail(job, why)
            case (("done" | "cancelled"), _):
                del self._jobs[job_id]
                self.wants_queue |= any(other.state == WAITING for other in self._jobs.values())

    def _on_learning(self, kind: str, name: str, rest: list[Any]) -> None:
        """An event of a folder that is learned, whoever asked for it."""
        job = self._jobs.get(learning_id(name))
        if job is None:
            if kind not in ("begun", "reading", "read", "progress"):
                return
            job = self._jobs[learning_id(name)] = Job(learning_id(name), f"Learning {name}", learns=name)
        self.changed = True
        job.heard_at = time.monotonic()
        match kind, rest:
            case "failed", ["name_taken", str(), *_] if (
                job.own and job.datagram and (number := _number_of(name)) < MOST_NUMBERS
            ):
                folder = str(job.datagram[1])
                del self._jobs[job.id]
                self.learn(folder, number + 1)
            case "failed", [str(code), str(why), *_]:
                if code == "cancelled":
                    del self._jobs[job.id]
                else:
                    self._fail(job, why)
            case "done", _:
                del self._jobs[job.id]
            case "reading", [int(done), int(total), *_] if job.state != FAILED:
                job.state, job.prompt, job.fraction, job.datagram = RUNNING, f"Reading {name}", done / max(1, total), ()
            case "progress", [float(fraction), *facts] if job.state != FAILED:
                job.state, job.fraction, job.datagram = RUNNING, min(max(fraction, 0.0), 1.0), ()
                job.prompt = f"Learning {name}{_loss(pairs(facts, 0))}"
            case _ if job.state == SENT:
                job.state, job.datagram = RUNNING, ()

    def _fail(self, job: Job, why: str) -> None:
        self.changed = True
        if not job.own:
            del self._jobs[job.id]
            return
        job.state, job.why = FAILED, why
        failures = [other.id for other in self._jobs.values() if other.state == FAILED]
        for oldest in failures[:-MOST_FAILURES]:
            del self._jobs[oldest]

    def _miss(self, job: Job) -> None:
        """A job is not in the queue. If it is ours, ask how it ended: that message was lost."""
        if not job.own:
            del self._jobs[job.id]
        elif job.state in (WAITING, RUNNING):
            if job.missed:
                self._fail(job, LOST)
            else:
                job.missed = True
                self._send("/bridge/job", job.id)

    def _list(self, job_id: JobId, place: int, prompt: str, seconds: float, facts: dict[str, Any]) -> None:
        assert self._listed is not None
        eta = facts.get("eta_seconds", 0.0)
        due = time.monotonic() + eta if isinstance(eta, int | float) and eta > 0 else 0.0
        job = Job(
            job_id, prompt, seconds, RUNNING if place == 0 else WAITING, place, due, yours=facts.get("yours") == 1
        )
        self._listed.append(job)
        self._finish_list()

    def _finish_list(self) -> None:
        if self._listed is None or len(self._listed) < self._expected:
            return
        listed, self._listed, self.changed = {job.id: job for job in self._listed}, None, True
        for job in list(self._jobs.values()):
            if job.id not in listed and not job.learns:
                self._miss(job)
        for job_id, job in listed.items():
            if (known := self._jobs.get(job_id)) is None:
                self._jobs[job_id] = job
            elif known.state != FAILED:
                known.state, known.place, known.due, known.prompt = job.state, job.place, job.due, job.prompt
