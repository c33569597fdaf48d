"""Core: takes asks, queues jobs, hands them to the engine and the shaper, tells everybody what happened.

Knows no OSC, HTTP or torch. Everything here runs on the event loop's thread and never blocks.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import time
from typing import Any

from bridge.core import outcome
from bridge.core.engine_link import EngineSide
from bridge.core.eta import EtaFile
from bridge.core.jobs import Jobs
from bridge.core.resolving import least_steps, resolve
from bridge.core.shaper_link import ShaperSide
from bridge.domain.ask import Ask
from bridge.domain.clip import Model, Prompt
from bridge.domain.events import Event, JobEvent, Listener, StateChanged
from bridge.domain.job import Job, JobId, JobState
from bridge.domain.limits import is_sub_folder
from bridge.domain.recipe import Recipe
from bridge.errors import BadArgument, ClipbridgeError, NotReady, Stopping, UnknownJob
from bridge.kits.making import Kits
from bridge.library.library import Library
from bridge.live.pads import SINK as PAD_SINK
from bridge.live.pads import check_length
from bridge.live.stage import INTERNAL, Stage
from bridge.live.stream import DEFAULT_PERIOD_S
from bridge.presets.files import Presets
from bridge.shaper import messages as delivery
from bridge.shaper.messages import Claim, Leave, Map
from bridge.system.supervise import Child

log = logging.getLogger("clipbridge")

STOPPING_BUDGET_S = 30.0
STREAM_FADE_MS = 50.0


class Core:
    """The heart. `engine_child` and `shaper_child` are not started yet; `start()` does that. `eta_file`: where what is
    learned about the time that clips take is kept between runs, if anywhere. `library`: where jobs and clips are recorded."""

    def __init__(
        self,
        presets: Presets,
        engine_child: Child,
        shaper_child: Child,
        stage: Stage,
        eta_file: EtaFile | None = None,
        library: Library | None = None,
    ) -> None:
        self.presets = presets
        self.listeners: list[Listener] = []
        self.state, self.why = "loading", ""
        self.jobs = Jobs()
        self.stage = stage
        stage.attach(self)
        self.kits = Kits()
        self.kits.core = self
        self.engine = EngineSide(self, engine_child, eta_file)
        self.shaper = ShaperSide(self, shaper_child)
        self.library = library

    def start(self) -> None:
        """Spawn both processes; asks are taken from now on."""
        self.stage.live.start()
        self.shaper.start()
        self.engine.start()

    def tick(self) -> None:
        """Supervise the processes; to be called every TICK_S seconds."""
        self.engine.tick()
        self.shaper.tick()
        self.stage.tick()
        self.kits.tick()

    @property
    def model(self) -> Model | None:
        """The facts of the checkpoint that the engine holds, once it is loaded."""
        return self.engine.model

    # ---- what frontends ask for ----

    def generate(
        self,
        ask: Ask,
        owner: str,
        job_id: JobId | None = None,
        reply_to: Any = None,
        first: bool = False,
        into: str = "",
    ) -> tuple[Job, bool]:
        """Take an ask. Returns the job and whether it is new (False: this id with this ask is known already). `first`: it
        goes before those that wait, and behind one of them if the last one was of the same owner. `into`: the sub-folder of a
        kit, whose clips are trimmed at both ends; no frontend hands on what it was sent.

        Raises BadArgument, OutOfMemory, NoAudio, QueueFull, TooLate, NotReady or Stopping; then there is no job.
        """
        if (known := self._known(ask, owner, job_id, reply_to)) is not None:
            return known, False
        preset = self.presets.get(ask.preset) if ask.preset else None
        prompt = resolve(ask, preset, self.stage.live.tempo)
        if into:
            if not is_sub_folder(into):
                raise BadArgument(f"{into!r} is no sub-folder for a kit.")
            prompt = dataclasses.replace(prompt, shape=dataclasses.replace(prompt.shape, folder=into, trim="free"))
        if ask.sink == PAD_SINK:
            check_length(prompt.seconds)
        elif ask.gate is not None:
            raise BadArgument("gate is for pads: it ends the sound when the button is let go.")
        self.stage.check(ask.sink or "folder")
        place = self.jobs.place_before(1 if self.engine.last_owner == owner else 0) if first else None
        return self._queue(ask, prompt, owner, job_id, reply_to, least_steps(prompt, preset), place), True

    def recall(self, recipe: Recipe, owner: str, job_id: JobId | None = None, reply_to: Any = None) -> tuple[Job, bool]:
        """Make a clip again from its recipe. Returns and raises as `generate` does."""
        prompt = recipe.prompt
        alike = ("text", "seconds", "seed", "negative", "steps", "guidance", "takes")
        ask = Ask(**{name: getattr(prompt, name) for name in alike}, loop=int(prompt.loop), take=recipe.take)
        if (known := self._known(ask, owner, job_id, reply_to)) is not None:
            return known, False
        return self._queue(ask, prompt, owner, job_id, reply_to, prompt.steps, None, recipe), True

    def _known(self, ask: Ask, owner: str, job_id: JobId | None, reply_to: Any) -> Job | None:
        """The job that this is the repetition of. Raises BadArgument, NotReady, Stopping if nothing can be asked for."""
        if job_id is not None and (known := self.jobs.repeated(owner, job_id, ask)) is not None:
            known.reply_to = reply_to
            return known
        self.check_open()
        return None

    def _queue(
        self,
        ask: Ask,
        prompt: Prompt,
        owner: str,
        job_id: JobId | None,
        reply_to: Any,
        least: int,
        place: int | None,
        recipe: Recipe | None = None,
    ) -> Job:
        self.engine.check_fits(prompt)
        if ask.sink not in INTERNAL:
            self._make_way()
        job = self.jobs.add(ask, prompt, owner, job_id, reply_to, least, place)
        job.recipe = recipe
        if self.library is not None and ask.sink not in INTERNAL:
            self.library.accepted(job)  # before it is acknowledged: a crash must not lose it
        eta_seconds = round(self.jobs.eta_seconds(job), 3)
        position = self.jobs.ahead_of(job)
        self.emit(job, "queued", position=position, eta_seconds=eta_seconds, seed=prompt.seed, **outcome.chosen(job))
        self.engine.feed()
        return job

    def check_open(self) -> None:
        """Raises NotReady or Stopping where nothing that is asked for would be made."""
        if self.state == "stopping":
            raise Stopping("Clipbridge is stopping and takes no more jobs.")
        if self.state == "failed":
            raise NotReady(f"{self.why} Fix it, then send /bridge/restart.")

    def _make_way(self) -> None:
        """What is made ahead waits for everybody else: its job ends at the next step and begins again later."""
        running = self.jobs.running
        if running is not None and not running.state.ended and self.stage.gives_way(running):
            self.cancel_fill(running)

    # ---- what the stage asks for (stage.Maker) ----

    def idle(self) -> bool:
        """Whether the engine has nothing to do."""
        return self.state == "ready" and self.jobs.running is None and not self.jobs.queue

    def serving(self) -> bool:
        """Whether the engine makes clips."""
        return self.state == "ready"

    def fill(self, ask: Ask, owner: str, first: bool = False) -> Job:
        """Make something ahead. Raises as `generate` does."""
        return self.generate(ask, owner, first=first)[0]

    def cancel_fill(self, job: Job) -> None:
        """Stop making it."""
        if not job.state.ended:
            with contextlib.suppress(UnknownJob):
                self.cancel(job.owner, job.id)

    def period_s(self, ask: Ask) -> float:
        """The length of an ask's clip, in seconds. Raises BadArgument."""
        preset = self.presets.get(ask.preset) if ask.preset else None
        if ask.seconds is None and ask.bars is None and (preset is None or preset.seconds is None):
            ask = dataclasses.replace(ask, seconds=DEFAULT_PERIOD_S)
        return resolve(ask, preset, self.stage.live.tempo).seconds

    def keep(self, keep: delivery.Keep) -> None:
        """Put a take into the folder; `Stage.kept` is told."""
        self.shaper.keep(keep)

    # ---- what kits ask for (kits.Maker) ----

    def shape_kit(self, message: Claim | Map | Leave) -> None:
        """Let the shaper process work on a kit's folder; `Kits.told` is told."""
        self.shaper.shape_kit(message)

    # ---- more of what frontends ask for ----

    def cancel(self, owner: str, job_id: JobId | None = None) -> list[Job]:
        """Cancel one job, or all unfinished ones of `owner`; returns those that are cancelled now.

        A job whose clip is being written already is not among them: it ends as done within moments.
        Raises UnknownJob if `job_id` names no unfinished job.
        """
        if job_id is None:
            self.kits.cancel(owner)
        cancelled = self.jobs.cancellable(owner, job_id)
        for job in cancelled:
            if job is self.jobs.running:
                self.engine.cancel(job.serial)
            else:
                self.jobs.queue.remove(job)
            self.emit(job, "cancelled")
        return cancelled

    def panic(self) -> None:
        """Silence now, also for what is asked for already. Jobs go on."""
        for job in self.jobs.unfinished.values():
            job.silenced = True
        self.stage.panic()

    def status(self) -> dict[str, Any]:
        """The state first, then what a host may want to show; the order is that of the OSC table."""
        running = self.jobs.running if self.jobs.running and not self.jobs.running.state.ended else None
        preparing = self.engine.preparing
        return {
            "state": self.state,
            "queue": len(self.jobs.queue),
            "running": "" if running is None else running.id,
            "model": self.model.name if self.model else "",
            "warm": f"{preparing.done}/{preparing.total}" if self.state in ("loading", "warming") else self.state,
            "compute": self.model.compute if self.model else "",
            "max_seconds": self.model.max_seconds if self.model else 0.0,
            "peak_mb": round(self.engine.highest_bytes / 1e6, 1),
            "audio": self.stage.live.state,
            "underflows": self.stage.live.underflows,
            "why": self.why,
        }

    def restart(self, model: str | None = None) -> None:
        """Start the engine afresh, with another checkpoint if one is named. The running job is lost; those that wait are
        kept. The name is the frontend's to check: this looks at no disk."""
        if self.state == "stopping":
            raise Stopping("Clipbridge is stopping.")
        if model is not None:
            self.engine.change(model)
        self.engine.lose_running("The engine was restarted on request.")
        self.stage.live.restart_if_failed()
        if self.state == "failed":  # the shaper may be what was given up
            self.shaper.restart()
        self.set_state("restarting", f"changing to {model}" if model else "", may_leave_failed=True)
        self.engine.restart()

    async def stop(self, now: asyncio.Event) -> None:
        """Refuse what waits, let the running job end (at most STOPPING_BUDGET_S, or until `now`), end the processes."""
        self.set_state("stopping")
        self.kits.stop()
        for job in list(self.jobs.queue):
            self.fail(job, Stopping("Clipbridge was stopped before this job began."))
        self.jobs.queue.clear()
        self.stage.stream.stop(STREAM_FADE_MS)
        self._make_way()
        end = time.monotonic() + STOPPING_BUDGET_S
        while not (
            (self.jobs.idle and not self.stage.saving and self.kits.idle) or now.is_set() or time.monotonic() > end
        ):
            self.tick()
            await asyncio.sleep(0.02)
        for job in list(self.jobs.unfinished.values()):
            self.fail(job, Stopping("Clipbridge was stopped before this clip was finished."))
        self.kits.end()
        await asyncio.gather(self.engine.close(), self.shaper.close(), self.stage.live.close())

    # ---- telling ----

    def fail(self, job: Job, error: ClipbridgeError) -> None:
        """A job ends with an error."""
        self.emit(job, "failed", code=error.code, why=str(error))

    def emit(self, job: Job, kind: str, **fields: Any) -> None:
        """Tell what happened to a job, if that has not ended."""
        if job.state.ended:
            return  # exactly one terminal event, and nothing after it
        event = JobEvent(kind, job.id, fields, job.serial, job.owner, job.ask, job.prompt, reply_to=job.reply_to)
        job.last_event = event
        if kind != "progress":
            log.info("job %r %s %s%s", job.id, kind, fields, f" {job.prompt}" if kind == "queued" else "")
        if event.terminal:
            job.state, job.ended_at = JobState(kind), time.monotonic()
            if kind != "done":
                if job.voice:  # it was heard already
                    self.stage.silence(job.voice)
                self.shaper.drop(job)
            self.jobs.unfinished.pop(job.serial, None)
            if self.library is not None:
                self.library.ended(job)
        if job.ask.sink in INTERNAL:
            self.stage.job_event(job, kind, fields)
        else:
            self.publish(event)
            self.kits.job_event(job, event)

    def set_state(self, state: str, why: str = "", may_leave_failed: bool = False) -> None:
        """Move on. `stopping` is the end, and `failed` is left by a restart on request only."""
        kept = self.state == "stopping" or (self.state == "failed" and state != "stopping" and not may_leave_failed)
        if not kept and (state, why) != (self.state, self.why):
            self.state, self.why = state, why
            log.info("state %s %s", state, why)
            self.publish(StateChanged(state, why, self.model))

    def publish(self, event: Event) -> None:
        """Hand an event to every listener."""
        for listener in list(self.listeners):
            try:
                listener.on_event(event)
            except Exception:  # one that cannot listen must not keep the others, or the jobs, from going on
                log.exception("a listener failed")
