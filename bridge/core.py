"""Bridge: takes asks, queues jobs, hands them to the engine and the shaper, tells everybody what happened.

Knows no OSC, HTTP or torch. Everything here runs on the event loop's thread and never blocks.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import secrets
import time
from typing import Any, Protocol

from bridge import delivery, engine
from bridge.clip import DEFAULT_NEGATIVE, DRAWN_SEEDS, Model, Prompt
from bridge.errors import (
    BadArgument,
    ClipbridgeError,
    EngineLost,
    NotReady,
    QueueFull,
    ShaperLost,
    Stopping,
    UnknownJob,
)
from bridge.eta import Eta
from bridge.job import Ask, Job, JobEvent, JobId, JobState, id_key
from bridge.presets import Preset, Presets
from bridge.supervise import Child

QUEUE_LIMIT = 64
DEFAULT_SECONDS = 4.0
DEFAULT_STEPS = 20  # with a DPM-Solver++ scheduler; the checkpoint's own DDIM wants 200
DEFAULT_GUIDANCE = 3.5  # AudioLDM2Pipeline's own default
REPEAT_WINDOW_S = 10.0
REMEMBERED_JOBS = 1_000
PREPARING_BUDGET_S = 15 * 60.0
GENERATING_BUDGET_S = 10.0
SHAPING_BUDGET_S = 60.0
STOPPING_BUDGET_S = 30.0


class Listener(Protocol):
    """A frontend, or the terminal: told of all that happens, on the event loop."""

    def job_event(self, job: Job, event: JobEvent) -> None: ...
    def state_changed(self, state: str, why: str) -> None: ...
    def preparing(self, stage: engine.Stage) -> None: ...


class Bridge:
    """The heart. `engine_child` and `shaper_child` are not started yet; `start()` does that."""

    def __init__(self, presets: Presets, engine_child: Child, shaper_child: Child) -> None:
        self.presets = presets
        self.listeners: list[Listener] = []
        self.state, self.why = "loading", ""
        self.model: Model | None = None
        self.stage = engine.Stage("loading", 0, 0, "")
        self.eta = Eta()
        self._engine, self._shaper = engine_child, shaper_child
        self._engine.on_message, self._engine.on_death = self._engine_says, self._engine_died
        self._shaper.on_message, self._shaper.on_death = self._shaper_says, self._shaper_died
        self._serial = 0
        self._queue: collections.deque[Job] = collections.deque()
        self._running: Job | None = None  # what the engine works on; perhaps cancelled and not yet stopped
        self._step: engine.Step | None = None
        self._shaping: dict[int, Job] = {}
        self._unfinished: dict[int, Job] = {}
        self._by_id: collections.OrderedDict[tuple[str, str], Job] = collections.OrderedDict()
        self._idle = asyncio.Event()
        self._idle.set()

    def start(self) -> None:
        """Spawn both processes; asks are taken from now on."""
        self._shaper.start()
        self._start_watching_engine()
        self._engine.start()

    def tick(self) -> None:
        """Supervise the processes; to be called every TICK_S seconds."""
        self._engine.tick()
        self._shaper.tick()

    # ---- what frontends ask for ----

    def generate(self, ask: Ask, owner: str, job_id: JobId | None = None, reply_to: Any = None) -> tuple[Job, bool]:
        """Take an ask. Returns the job and whether it is new (False: this id with this ask is known already).

        Raises BadArgument, QueueFull, NotReady or Stopping; then there is no job.
        """
        if job_id is not None and (known := self._by_id.get((owner, id_key(job_id)))) is not None:
            if not known.state.ended and known.ask != ask:
                raise BadArgument(
                    f"The id {job_id!r} belongs to a job that is not finished and asked for something else."
                )
            if known.ask == ask and (not known.state.ended or time.monotonic() - known.ended_at < REPEAT_WINDOW_S):
                known.reply_to = reply_to
                return known, False
        if self.state == "stopping":
            raise Stopping("Clipbridge is stopping and takes no more jobs.")
        if self.state == "failed":
            raise NotReady(f"{self.why} Mend it, then send /bridge/restart.")
        prompt = self._resolve(ask)
        if self.model is not None:
            _check_length(prompt, self.model)
        if len(self._queue) >= QUEUE_LIMIT:
            raise QueueFull(
                f"{len(self._queue)} jobs are waiting; a place is free in about {self._wait_for_place():.0f} s."
            )
        self._serial += 1
        job = Job(self._serial, secrets.token_hex(4) if job_id is None else job_id, owner, ask, prompt, reply_to)
        self._unfinished[job.serial] = job
        self._remember(job)
        self._queue.append(job)
        self._idle.clear()
        job.engine_seconds = self.eta.engine_seconds(prompt)
        ahead = len(self._queue) - 1 + (self._running is not None)
        self._emit(job, "queued", position=ahead, eta_seconds=round(self._eta_of_last(), 3), seed=prompt.seed)
        self._feed_engine()
        return job, True

    def cancel(self, owner: str, job_id: JobId | None = None) -> list[Job]:
        """Cancel one job, or all unfinished ones of `owner`; returns those that are cancelled now.

        A job whose clip is being written already is not among them: it ends as done within moments.
        Raises UnknownJob if `job_id` names no unfinished job.
        """
        if job_id is None:
            wanted = [job for job in self._unfinished.values() if job.owner == owner]
        else:
            job = self._by_id.get((owner, id_key(job_id)))
            if job is None or job.state.ended:
                raise UnknownJob(f"No unfinished job has the id {job_id!r}.")
            wanted = [job]
        cancelled = [job for job in wanted if not job.shaping]
        for job in cancelled:
            if job is self._running:
                self._engine.send(engine.Cancel(job.serial))
            else:
                self._queue.remove(job)
            self._emit(job, "cancelled")
        self._note_idle()
        return cancelled

    def job(self, owner: str, job_id: JobId) -> Job:
        """The job with this id. Raises UnknownJob."""
        job = self._by_id.get((owner, id_key(job_id)))
        if job is None:
            raise UnknownJob(f"There is no job with the id {job_id!r}.")
        return job

    def status(self) -> dict[str, Any]:
        """The state first, then what a host may want to show; the order is that of the OSC table."""
        running = self._running if self._running and not self._running.state.ended else None
        return {
            "state": self.state,
            "queue": len(self._queue),
            "running": "" if running is None else running.id,
            "model": self.model.name if self.model else "",
            "warm": f"{self.stage.done}/{self.stage.total}" if self.state in ("loading", "warming") else self.state,
            "compute": self.model.compute if self.model else "",
            "max_seconds": self.model.max_seconds if self.model else 0.0,
            "why": self.why,
        }

    def restart(self) -> None:
        """Start the engine afresh. The running job is lost; those that wait are kept."""
        if self.state == "stopping":
            raise Stopping("Clipbridge is stopping.")
        self._lose_running("The engine was restarted on request.")
        self._set_state("restarting")
        self._start_watching_engine()
        self._engine.restart()

    async def stop(self, now: asyncio.Event) -> None:
        """Refuse what waits, let the running job end (at most STOPPING_BUDGET_S, or until `now`), end the processes."""
        self._set_state("stopping")
        for job in list(self._queue):
            self._fail(job, Stopping("Clipbridge was stopped before this job began."))
        self._queue.clear()
        self._note_idle()
        waits = [asyncio.create_task(event.wait()) for event in (self._idle, now)]
        await asyncio.wait(waits, timeout=STOPPING_BUDGET_S, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        for job in list(self._unfinished.values()):
            self._fail(job, Stopping("Clipbridge was stopped before this clip was finished."))
        await asyncio.gather(self._engine.close(), self._shaper.close())

    # ---- asks become prompts ----

    def _resolve(self, ask: Ask) -> Prompt:
        preset = self.presets.get(ask.preset) if ask.preset else Preset("", file=None)  # type: ignore[arg-type]

        def choose(name: str, default: Any) -> Any:
            asked = getattr(ask, name)
            return asked if asked is not None else (default if (own := getattr(preset, name)) is None else own)

        return Prompt(
            text=ask.text,
            full_text=preset.words_around(ask.text),
            seconds=choose("seconds", DEFAULT_SECONDS),
            seed=ask.seed if ask.seed is not None else secrets.randbelow(DRAWN_SEEDS),
            negative=choose("negative", DEFAULT_NEGATIVE),
            steps=choose("steps", DEFAULT_STEPS),
            guidance=choose("guidance", DEFAULT_GUIDANCE),
            takes=ask.takes or 1,
            preset=preset.name,
            shape=preset.shape,
        )

    def _wait_for_place(self) -> float:
        return self._remaining() or (self.eta.seconds(self._queue[0].prompt) if self._queue else 0.0)

    def _remaining(self) -> float:
        """Seconds that the engine still needs for what it works on."""
        if self._running is None or self._running.state.ended:
            return 0.0
        expected = self._running.engine_seconds
        if self._step is not None and self._step.serial == self._running.serial:
            elapsed = time.monotonic() - self._running.started_at
            fraction = self._step.step / (self._step.steps + 1)
            expected = max(expected, elapsed / fraction if fraction > 0.5 else 0.0)
        return max(0.0, expected - (time.monotonic() - self._running.started_at))

    def _eta_of_last(self) -> float:
        own = self.eta.seconds(self._queue[-1].prompt)
        ahead = sum(job.engine_seconds for job in self._queue) - self._queue[-1].engine_seconds
        return self._remaining() + ahead + own if own else 0.0

    def _remember(self, job: Job) -> None:
        self._by_id[(job.owner, id_key(job.id))] = job
        self._by_id.move_to_end((job.owner, id_key(job.id)))
        while len(self._by_id) > REMEMBERED_JOBS + len(self._unfinished):
            key = next(key for key, old in self._by_id.items() if old.state.ended)
            del self._by_id[key]

    # ---- jobs move ----

    def _feed_engine(self) -> None:
        while self.state == "ready" and self._running is None and self._queue:
            job = self._queue.popleft()
            assert self.model is not None
            try:
                _check_length(job.prompt, self.model)
            except BadArgument as error:
                self._fail(job, error)
                continue
            job.state, job.started_at = JobState.RUNNING, time.monotonic()
            self._running, self._step = job, None
            job.engine_seconds = expected = self.eta.engine_seconds(job.prompt)
            budget = max(GENERATING_BUDGET_S, 5 * expected) if expected else PREPARING_BUDGET_S
            self._engine.watch(budget, "generating")
            self._engine.send(engine.Generate(job.serial, job.prompt))

    def _engine_says(self, message: Any) -> None:
        running = self._running
        if isinstance(message, engine.Stage):
            self.stage = message
            if self.state != "stopping":
                self._set_state(message.phase)
            for listener in self.listeners:
                listener.preparing(message)
        elif isinstance(message, engine.Ready):
            self.model = message.model
            for timing in message.timings:
                self.eta.learn(timing.prompt, timing.denoise_s, timing.rest_s)
            self._engine.watch(None)
            if self.state != "stopping":
                self._set_state("ready")
            self._feed_engine()
        elif isinstance(message, engine.Unloadable):
            self._give_up(message.why)
        elif running is None or message.serial != running.serial:
            return
        elif isinstance(message, engine.Step):
            # Decoding reports steps too, as signs of life; the asker is only told what is new.
            if self._step is None or message.step != self._step.step:
                self._emit(running, "progress", fraction=round(message.step / (message.steps + 1), 4))
            self._step = message
        elif isinstance(message, engine.Samples):
            if not running.state.ended:
                self._shaper.send(delivery.Samples(message.serial, message.piece))
        elif isinstance(message, engine.Finished):
            self.eta.learn(running.prompt, message.timing.denoise_s, message.timing.rest_s)
            self._engine_is_free()
            if running.state.ended:
                self._shaper.send(delivery.Drop(running.serial))
            else:
                running.shaping, running.note = True, message.note
                self._shaping[running.serial] = running
                self._shaper.watch(SHAPING_BUDGET_S, "writing a clip")
                assert self.model is not None
                self._shaper.send(delivery.Deliver(running.serial, running.prompt, self.model, message.scores))
            self._feed_engine()
        elif isinstance(message, engine.Broken):
            self._shaper.send(delivery.Drop(running.serial))
            self._engine_is_free()
            if message.code != "cancelled":
                self._emit(running, "failed", code=message.code, why=message.why)
            self._note_idle()
            self._feed_engine()

    def _engine_is_free(self) -> None:
        self._running = self._step = None
        self._engine.watch(None)
        self._note_idle()

    def _start_watching_engine(self) -> None:
        self._engine.watch(PREPARING_BUDGET_S, "loading the checkpoint")

    def _lose_running(self, reason: str) -> None:
        running, self._running, self._step = self._running, None, None
        if running is not None:
            self._shaper.send(delivery.Drop(running.serial))
            self._fail(running, EngineLost(f"{reason} This clip is lost: ask for it again."))

    def _engine_died(self, reason: str, given_up: bool) -> None:
        self._lose_running(f"The engine stopped ({reason}).")
        if self.state in ("stopping", "failed"):
            return
        if given_up:
            self._give_up(f"The engine stopped five times within a minute, the last time because of this: {reason}.")
        else:
            self._set_state("restarting", reason)
            self._start_watching_engine()

    def _give_up(self, why: str) -> None:
        self._engine.watch(None)
        if self.state == "stopping":
            return
        self._set_state("failed", why)
        waiting, _ = list(self._queue), self._queue.clear()
        for job in waiting:
            self._fail(job, NotReady(f"{why} Mend it, then send /bridge/restart."))

    def _shaper_says(self, message: Any) -> None:
        job = self._shaping.pop(message.serial, None)
        if not self._shaping:
            self._shaper.watch(None)
        if job is None:
            return
        if isinstance(message, delivery.Undelivered):
            self._emit(job, "failed", code=message.code, why=message.why)
        else:
            self.eta.learn_delivery(job.prompt, message.seconds)
            best = message.takes[0]
            if job.prompt.takes > 1:
                for take in message.takes:
                    self._emit(job, "take", take=take.take, path=take.path, score=take.score, seed=take.seed)
            facts = {
                name: getattr(best, name) for name in ("path", "seconds", "seed", "sample_rate", "channels", "frames")
            }
            assert self.model is not None
            self._emit(job, "done", **facts, model=self.model.name, **({"note": job.note} if job.note else {}))
        self._note_idle()

    def _shaper_died(self, reason: str, given_up: bool) -> None:
        lost, self._shaping = list(self._shaping.values()), {}
        self._shaper.watch(None)
        for job in lost:
            self._fail(job, ShaperLost(f"The process that writes clips stopped ({reason}). Ask for this clip again."))
        self._note_idle()
        if given_up:
            self._give_up(f"The process that writes clips stopped five times within a minute ({reason}).")

    # ---- telling ----

    def _fail(self, job: Job, error: ClipbridgeError) -> None:
        self._emit(job, "failed", code=error.code, why=str(error))

    def _emit(self, job: Job, kind: str, **fields: Any) -> None:
        if job.state.ended:
            return  # exactly one terminal event, and nothing after it
        event = JobEvent(kind, job.id, fields)
        job.last_event = event
        if event.terminal:
            job.state, job.ended_at, job.shaping = JobState(kind), time.monotonic(), False
            self._unfinished.pop(job.serial, None)
        for listener in self.listeners:
            listener.job_event(job, event)

    def _note_idle(self) -> None:
        if not (self._queue or self._running or self._shaping):
            self._idle.set()

    def _set_state(self, state: str, why: str = "") -> None:
        if (state, why) != (self.state, self.why):
            self.state, self.why = state, why
            for listener in self.listeners:
                listener.state_changed(state, why)


def _check_length(prompt: Prompt, model: Model) -> None:
    if prompt.seconds > model.max_seconds:
        raise BadArgument(f"{model.name} makes at most {model.max_seconds:g} seconds, not {prompt.seconds:g}.")


def summary(job: Job) -> dict[str, Any]:
    """A job as plain data, for logs and `--json`."""
    return {"id": job.id, "state": str(job.state), "prompt": dataclasses.asdict(job.prompt)}
