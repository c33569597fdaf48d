"""Bridge: takes asks, queues jobs, hands them to the engine and the shaper, tells everybody what happened.

Knows no OSC, HTTP or torch. Everything here runs on the event loop's thread and never blocks.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import time
from collections.abc import Callable
from typing import Any, Protocol

from bridge import delivery, engine, memory, outcome
from bridge.asks import least_steps, resolve
from bridge.clip import Model, Prompt, is_sub_folder
from bridge.errors import (
    BadArgument,
    BadAudio,
    ClipbridgeError,
    EngineLost,
    NotReady,
    OutOfMemory,
    ShaperLost,
    Stopping,
    TooLate,
    UnknownJob,
    Unsupported,
)
from bridge.eta import Eta, EtaFile
from bridge.job import Ask, Job, JobEvent, JobId, JobState
from bridge.jobs import Jobs
from bridge.kit import Claim, Claimed, KitEvent, Leave, Map, Mapped
from bridge.kits import Kits
from bridge.library import Library
from bridge.pads import SINK as PAD_SINK
from bridge.pads import check_length
from bridge.presets import Presets
from bridge.recipe import Recipe
from bridge.stage import INTERNAL, Stage
from bridge.stage import Listener as StageListener
from bridge.streams import DEFAULT_PERIOD_S
from bridge.supervise import Child

log = logging.getLogger("clipbridge")

PREPARING_BUDGET_S = 15 * 60.0
GENERATING_BUDGET_S = 10.0
SHAPING_BUDGET_S = 60.0
STOPPING_BUDGET_S = 30.0
STREAM_FADE_MS = 50.0


class Listener(StageListener, Protocol):
    """A frontend, or the terminal: told of all that happens, on the event loop."""

    def job_event(self, job: Job, event: JobEvent) -> None: ...
    def state_changed(self, state: str, why: str) -> None: ...
    def preparing(self, stage: engine.Stage) -> None: ...
    def midi_changed(self, state: str, why: str) -> None: ...
    def kit_changed(self, reply_to: Any, event: KitEvent) -> None: ...
    def preset_changed(self, name: str, state: str, why: str) -> None: ...
    def inbox_changed(self, state: str, what: str) -> None: ...


class Bridge:
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
        self.model: Model | None = None
        self.needs, self.highest_bytes = memory.Needs(), 0
        self.preparing = engine.Stage("loading", 0, 0, "")
        self.jobs = Jobs()
        self.stage = stage
        stage.attach(self)
        self.kits = Kits()
        self.kits.bridge = self
        self._last_owner = ""  # of the job that the engine was given last
        self._engine, self._shaper = engine_child, shaper_child
        self._engine.on_message, self._engine.on_death = self._engine_says, self._engine_died
        self._shaper.on_message, self._shaper.on_death = self._shaper_says, self._shaper_died
        self._step = -1  # of the running job
        self._eta_file, self._recalled = eta_file, ""
        self.library = library

    def start(self) -> None:
        """Spawn both processes; asks are taken from now on."""
        self.stage.live.start()
        self._shaper.start()
        self._start_watching_engine()
        self._engine.start()

    def tick(self) -> None:
        """Supervise the processes; to be called every TICK_S seconds."""
        self._engine.tick()
        self._shaper.tick()
        self.stage.tick()
        self.kits.tick()

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
        place = self.jobs.place_before(1 if self._last_owner == owner else 0) if first else None
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
        if self.model is not None:
            self._check_fits(prompt, self.model)
        if ask.sink not in INTERNAL:
            self._make_way()
        job = self.jobs.add(ask, prompt, owner, job_id, reply_to, least, place)
        job.recipe = recipe
        if self.library is not None and ask.sink not in INTERNAL:
            self.library.accepted(job)  # before it is acknowledged: a crash must not lose it
        eta_seconds = round(self.jobs.eta_seconds(job), 3)
        position = self.jobs.ahead_of(job)
        self._emit(job, "queued", position=position, eta_seconds=eta_seconds, seed=prompt.seed, **outcome.chosen(job))
        self._feed_engine()
        return job

    def check_open(self) -> None:
        """Raises NotReady or Stopping where nothing that is asked for would be made."""
        if self.state == "stopping":
            raise Stopping("Clipbridge is stopping and takes no more jobs.")
        if self.state == "failed":
            raise NotReady(f"{self.why} Mend it, then send /bridge/restart.")

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
        self._shaper.send(keep)

    # ---- what kits ask for (kits.Maker) ----

    def shape_kit(self, message: Claim | Map | Leave) -> None:
        """Let the shaper process work on a kit's folder; `Kits.told` is told."""
        if not isinstance(message, Leave):
            self._shaper.watch(SHAPING_BUDGET_S, "writing a kit")
        self._shaper.send(message)

    def kit_changed(self, reply_to: Any, event: KitEvent) -> None:
        """Tell it to all listeners."""
        if event.kind != "progress":
            log.info("kit %r %s %s", event.name, event.kind, event.fields)
        self.tell(lambda listener: listener.kit_changed(reply_to, event))

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
                self._engine.send(engine.Cancel(job.serial))
            else:
                self.jobs.queue.remove(job)
            self._emit(job, "cancelled")
        return cancelled

    def panic(self) -> None:
        """Silence now, also for what is asked for already. Jobs go on."""
        for job in self.jobs.unfinished.values():
            job.silenced = True
        self.stage.panic()

    def status(self) -> dict[str, Any]:
        """The state first, then what a host may want to show; the order is that of the OSC table."""
        running = self.jobs.running if self.jobs.running and not self.jobs.running.state.ended else None
        return {
            "state": self.state,
            "queue": len(self.jobs.queue),
            "running": "" if running is None else running.id,
            "model": self.model.name if self.model else "",
            "warm": f"{self.preparing.done}/{self.preparing.total}"
            if self.state in ("loading", "warming")
            else self.state,
            "compute": self.model.compute if self.model else "",
            "max_seconds": self.model.max_seconds if self.model else 0.0,
            "peak_mb": round(self.highest_bytes / 1e6, 1),
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
            (engine_config,) = self._engine.args
            self._engine.args = (dataclasses.replace(engine_config, model=model),)
            self._keep_eta()
            self.model, self.jobs.eta = None, Eta()
        self._lose_running("The engine was restarted on request.")
        self.stage.live.restart_if_failed()
        if self.state == "failed":  # the shaper may be what was given up
            self._lose_shaping("it was restarted on request")
            self._shaper.restart()
        self._set_state("restarting", f"changing to {model}" if model else "", may_leave_failed=True)
        self._engine.restart()
        self._start_watching_engine()

    async def stop(self, now: asyncio.Event) -> None:
        """Refuse what waits, let the running job end (at most STOPPING_BUDGET_S, or until `now`), end the processes."""
        self._set_state("stopping")
        self.kits.stop()
        for job in list(self.jobs.queue):
            self._fail(job, Stopping("Clipbridge was stopped before this job began."))
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
            self._fail(job, Stopping("Clipbridge was stopped before this clip was finished."))
        self.kits.end()
        self._keep_eta()
        if self._eta_file is not None:
            await asyncio.to_thread(self._eta_file.wait, 2.0)
        await asyncio.gather(self._engine.close(), self._shaper.close(), self.stage.live.close())

    def _keep_eta(self) -> None:
        if self._eta_file is not None and self.model is not None:
            self._eta_file.keep(self.jobs.eta, _eta_key(self.model))

    # ---- jobs move ----

    def _feed_engine(self) -> None:
        while self.state == "ready" and self.jobs.running is None and self.jobs.queue:
            job = self.jobs.queue.popleft()
            assert self.model is not None
            try:
                self._check_fits(job.prompt, self.model)
                self.jobs.meet_deadline(job)
            except (BadArgument, OutOfMemory, TooLate) as error:
                self._fail(job, error)
                continue
            job.state, job.started_at = JobState.RUNNING, time.monotonic()
            self.jobs.running, self._step, self._last_owner = job, -1, job.owner
            job.engine_seconds = expected = self.jobs.eta.engine_seconds(job.prompt)
            budget = max(GENERATING_BUDGET_S, 5 * expected) if expected else PREPARING_BUDGET_S
            self._engine.watch(budget, "generating")
            self._engine.send(engine.Generate(job.serial, job.prompt))

    def _engine_says(self, message: Any) -> None:
        running = self.jobs.running
        if isinstance(message, engine.Stage):
            self.preparing = message
            self._set_state(message.phase)
            self.tell(lambda listener: listener.preparing(message))
        elif isinstance(message, engine.Ready):
            self.model, self.needs, self.highest_bytes = message.model, message.needs, message.highest_bytes
            # Once: after a mere restart of the engine what was measured since is newer.
            if self._eta_file is not None and self._recalled != (key := _eta_key(self.model)):
                self._eta_file.recall(self.jobs.eta, key)
                self._recalled = key
            for timing in message.timings:
                self.jobs.eta.learn(timing.prompt, timing.denoise_s, timing.rest_s)
            self.jobs.estimate()
            self._engine.watch(None)
            self._engine.settled()
            self.stage.live.spawn()
            self._set_state("ready", message.shortcoming)
            self._feed_engine()
        elif isinstance(message, engine.Unloadable):
            log.info("%s", message.details or message.why)
            self._give_up(message.why)
        elif running is None or message.serial != running.serial:
            return
        elif isinstance(message, engine.Step):
            # Decoding reports steps too, as signs of life; the asker is only told what is new.
            if message.step != self._step:
                self._step = message.step
                self._emit(running, "progress", fraction=round(message.step / (message.steps + 1), 4))
        elif isinstance(message, engine.Samples):
            if not running.state.ended:
                running.pieces += 1
                if running.pieces == 1 and not message.piece.last and self.stage.hears_early(running):
                    assert self.model is not None
                    self._shaper.send(delivery.Begin(running.serial, running.prompt, self.model))
                self._shaper.send(delivery.Samples(message.serial, message.piece))
        elif isinstance(message, engine.Finished):
            self.jobs.eta.learn(running.prompt, message.timing.denoise_s, message.timing.rest_s)
            self.highest_bytes = message.highest_bytes
            running.engine_took = message.timing.denoise_s + message.timing.rest_s
            self._engine_is_free()
            if not running.state.ended:
                running.remarks = message.remarks
                self.jobs.shaping[running.serial] = running
                self._shaper.watch(SHAPING_BUDGET_S, "writing a clip")
                assert self.model is not None
                running.model = self.model
                sink = running.ask.sink or "folder"
                deliver = delivery.Deliver(running.serial, running.prompt, self.model, message.scores, sink)
                only = running.recipe.take if running.recipe else 0
                insist = not self._may_be_made_again(running)
                self._shaper.send(dataclasses.replace(deliver, only=only, insist=insist))
            self._feed_engine()
        elif isinstance(message, engine.Broken):
            log.info("%s", message.details or message.why)
            self._engine_is_free()
            if message.code != "cancelled":
                self._emit(running, "failed", code=message.code, why=message.why)
            if message.code == EngineLost.code:  # the process ends itself now; the next one serves the rest
                self._set_state("restarting", message.why)
            self._feed_engine()

    def _check_fits(self, prompt: Prompt, model: Model) -> None:
        if prompt.transcript and not model.speech:
            raise Unsupported(
                f"{model.name} does not speak: leave transcript out, or change to a speech checkpoint such as "
                "anhnct/audioldm2_gigaspeech."
            )
        if model.speech and not prompt.transcript:
            raise BadArgument(f"{model.name} is a speech checkpoint: send the words to speak with the key transcript.")
        if prompt.seconds > model.max_seconds:
            raise BadArgument(f"{model.name} makes at most {model.max_seconds:g} seconds, not {prompt.seconds:g}.")
        # What is free while a job runs says nothing of what is free after it; it is looked at again then.
        if self.needs.budget or self.jobs.running is None:
            memory.check(prompt, self.needs, model.compute)

    def _engine_is_free(self) -> None:
        self.jobs.running = None
        self._engine.watch(None)

    def _start_watching_engine(self) -> None:
        self._engine.watch(PREPARING_BUDGET_S, "loading the checkpoint")

    def _lose_running(self, reason: str) -> None:
        running, self.jobs.running = self.jobs.running, None
        if running is not None:
            self._fail(running, EngineLost(f"{reason} This clip is lost: ask for it again."))

    def _engine_died(self, reason: str, given_up: bool) -> None:
        self._lose_running(f"The engine stopped ({reason}).")
        if self.state in ("stopping", "failed"):
            return
        if given_up:
            self._give_up(f"The engine stopped five times in a row, the last time because of this: {reason}.")
        else:
            self._set_state("restarting", reason)
            self._start_watching_engine()

    def _give_up(self, why: str) -> None:
        self._engine.watch(None)
        self._set_state("failed", why)
        waiting = list(self.jobs.queue)
        self.jobs.queue.clear()
        for job in waiting:
            self._fail(job, NotReady(f"{why} Mend it, then send /bridge/restart."))

    def _shaper_says(self, message: Any) -> None:
        if isinstance(message, delivery.Written):
            return  # a sign of life between two takes
        self._shaper.settled()
        if isinstance(message, delivery.Early):
            self.stage.early(self.jobs.unfinished.get(message.serial), message)
            return
        if isinstance(message, delivery.Kept):
            self.stage.kept(message)
            return
        if isinstance(message, Claimed | Mapped):
            if not self.jobs.shaping:
                self._shaper.watch(None)
            self.kits.told(message)
            return
        job = self.jobs.shaping.pop(message.serial, None)
        if not self.jobs.shaping:
            self._shaper.watch(None)
        if job is None:
            if isinstance(message, delivery.Delivered):
                self.stage.live.discard(message.playable)
            return
        if isinstance(message, delivery.Undelivered):
            log.info("%s", message.details or message.why)
            if message.code in (BadAudio.code, delivery.OFF_TEMPO) and self._may_be_made_again(job):
                self._make_again(job, message.why)
            else:
                self._emit(job, "failed", code=message.code, why=message.why)
        else:
            self.jobs.eta.learn_delivery(job.prompt, message.seconds)
            best = message.takes[0]
            if job.prompt.takes > 1 and not job.recipe:
                for take in message.takes:
                    self._emit(job, "take", take=take.take, path=take.path, score=take.score, seed=take.seed)
            if self.library is not None and job.ask.sink not in INTERNAL:
                self.library.delivered(job, message.takes)
            early = job.voice
            heard = self.stage.made(job, message.playable, best.sample_rate)
            self._emit(job, "done", **outcome.done(job, message, heard))
            if heard and not early:
                self.stage.told(job, heard["voice"])

    def _may_be_made_again(self, job: Job) -> bool:
        return not (job.again or job.recipe or job.voice) and self.state not in ("stopping", "failed")

    def _make_again(self, job: Job, why: str) -> None:
        """What came was no sound, or a loop without a beat: once more, before all others, with the next seed."""
        job.again, job.state, job.pieces = why, JobState.QUEUED, 0
        job.prompt = dataclasses.replace(job.prompt, seed=job.prompt.seed_of(job.prompt.takes + 1))
        self.jobs.queue.appendleft(job)
        self._feed_engine()

    def _lose_shaping(self, reason: str) -> None:
        self.stage.lose_saving(reason)
        self.kits.lose(reason)
        lost = list(self.jobs.shaping.values())
        self.jobs.shaping.clear()
        self._shaper.watch(None)
        running = self.jobs.running
        if running is not None and running.pieces:  # its first samples are gone with the process
            self._engine.send(engine.Cancel(running.serial))
            lost.append(running)
        for job in lost:
            self._fail(job, ShaperLost(f"The process that writes clips stopped ({reason}). Ask for this clip again."))

    def _shaper_died(self, reason: str, given_up: bool) -> None:
        self._lose_shaping(reason)
        if given_up:
            self._lose_running("Clips cannot be written.")
            self._give_up(f"The process that writes clips stopped five times in a row ({reason}).")

    # ---- telling ----

    def _fail(self, job: Job, error: ClipbridgeError) -> None:
        self._emit(job, "failed", code=error.code, why=str(error))

    def _emit(self, job: Job, kind: str, **fields: Any) -> None:
        if job.state.ended:
            return  # exactly one terminal event, and nothing after it
        event = JobEvent(kind, job.id, fields)
        job.last_event = event
        if kind != "progress":
            log.info("job %r %s %s%s", job.id, kind, fields, f" {job.prompt}" if kind == "queued" else "")
        if event.terminal:
            job.state, job.ended_at = JobState(kind), time.monotonic()
            if kind != "done":
                if job.voice:  # it was heard already
                    self.stage.silence(job.voice)
                self._shaper.send(delivery.Drop(job.serial))  # it may hold samples of this job
            self.jobs.unfinished.pop(job.serial, None)
            if self.library is not None:
                self.library.ended(job)
        if job.ask.sink in INTERNAL:
            self.stage.job_event(job, kind, fields)
        else:
            self.tell(lambda listener: listener.job_event(job, event))
            self.kits.job_event(job, event)

    def _set_state(self, state: str, why: str = "", may_leave_failed: bool = False) -> None:
        """Move on. `stopping` is the end, and `failed` is left by a restart on request only."""
        kept = self.state == "stopping" or (self.state == "failed" and state != "stopping" and not may_leave_failed)
        if not kept and (state, why) != (self.state, self.why):
            self.state, self.why = state, why
            log.info("state %s %s", state, why)
            self.tell(lambda listener: listener.state_changed(state, why))

    def tell(self, call: Callable[[Any], None]) -> None:
        """Call it with each listener."""
        for listener in list(self.listeners):
            try:
                call(listener)
            except Exception:  # one that cannot listen must not keep the others, or the jobs, from going on
                log.exception("a listener failed")


def _eta_key(model: Model) -> str:
    return f"{model.name} {model.revision} {model.compute} {model.dtype} {model.compiled}"
