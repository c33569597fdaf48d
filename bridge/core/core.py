"""Core: accepts asks, queues jobs, hands them to the processes, reports what happened.

Knows no OSC, HTTP or torch. Everything here runs on the event loop's thread and never blocks.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bridge.core.ahead import Ahead
from bridge.core.delivery import Delivery
from bridge.core.dispatcher import Dispatcher
from bridge.core.eta import EtaFile
from bridge.core.intake import Intake
from bridge.core.jobs import Jobs
from bridge.core.learning import Learning
from bridge.core.reporter import Reporter
from bridge.core.resolving import stream_period_s
from bridge.core.sources import Sources
from bridge.core.state import DaemonState
from bridge.domain.ask import Ask
from bridge.domain.events import Cropped, Event, KitEvent, LearnEvent, Listener
from bridge.domain.job import Job, JobId
from bridge.domain.kit import KitAsk
from bridge.domain.learning import LearnAsk
from bridge.domain.model import Model
from bridge.domain.recipe import Recipe
from bridge.errors import ClipbridgeError, Stopping, UnknownJob, Unsupported
from bridge.kits.making import Kits
from bridge.library.library import Library
from bridge.live.pad import Press
from bridge.live.stage import Stage
from bridge.live.voices import Live
from bridge.presets.files import Presets
from bridge.system.supervise import Worker

log = logging.getLogger("clipbridge")

STOPPING_BUDGET_S = 30.0
STREAM_END_FADE_MS = 50.0


class Core:
    """The heart of the daemon. `start` spawns the processes.

    `pads_file`: where pads are saved between runs; `eta_file`: where learned times are; `library`: the record of jobs and
    clips; `learn_child`: the process that learns folders. Each may be left out. `engine_at`: the address of the engine's machine, "" for
    this one. `more_engines`: for more jobs at a time.
    """

    def __init__(
        self,
        presets: Presets,
        engine_child: Worker,
        shaper_child: Worker,
        live: Live,
        pads_file: Path | None = None,
        eta_file: EtaFile | None = None,
        library: Library | None = None,
        learn_child: Worker | None = None,
        engine_at: str = "",
        more_engines: Sequence[Worker] = (),
    ) -> None:
        self.presets, self.library, self._engine_at = presets, library, engine_at
        self.listeners: list[Listener] = []
        self._state = DaemonState(self.publish)
        self.jobs = Jobs()
        self.jobs.slots = 1 + len(more_engines)
        self.stage = Stage(live, self.publish, self.pull, pads_file)
        # The links to the processes come later, because they report to these parts: callbacks look them up when called.
        self.kits = Kits(self.publish, lambda message: self.shaper.shape_kit(message), self.pull)
        self.kits.jobs_at_a_time += len(more_engines)
        self._reporter = Reporter(
            self.jobs, self.stage, self.kits, library, self.publish, lambda job: self.shaper.drop(job)
        )
        self._delivery = Delivery(
            shaper_child,
            self.jobs,
            self._state,
            self.stage,
            self.kits,
            library,
            self._reporter,
            on_requeued=lambda: self.dispatcher.feed(),
            on_lost=lambda job: self.dispatcher.cancel(job),
            on_unusable=self._clips_cannot_be_written,
        )
        self.shaper, self.files = self._delivery.link, self._delivery.files
        self.sources = Sources(self.files, library, self.stage)
        self.learning = Learning(learn_child, self.files, self.publish)
        self._delivery.on_clip = self.sources.delivered
        self.dispatcher = Dispatcher(
            [engine_child, *more_engines],
            self.jobs,
            self._state,
            self.stage,
            self.publish,
            eta_file,
            self._reporter,
            self._delivery,
            is_remote=bool(engine_at),
        )
        self._intake = Intake(
            presets, self.jobs, self._state, self.stage, self.dispatcher, self._reporter, self._preempt_speculative
        )
        self._ahead = Ahead(
            self.stage, self.kits, self.dispatcher, self._state, self._intake.generate_ahead, self._cancel_quietly
        )

    def start(self) -> None:
        """Spawn the processes; asks are accepted from now on."""
        self.stage.live.start()
        self.shaper.start()
        self.dispatcher.start()

    def tick(self) -> None:
        """Supervise the processes; to be called every TICK_S seconds."""
        self.dispatcher.tick()
        self.shaper.tick()
        self.learning.tick()
        self.stage.tick()
        self.pull()

    def pull(self) -> None:
        """Queue what kits, the stream and the pads request, if the engine has time."""
        self._ahead.pull()

    @property
    def state(self) -> str:
        """loading, warming, ready, restarting, waiting, failed or stopping."""
        return self._state.name

    @property
    def why(self) -> str:
        """A sentence about the state, or ""."""
        return self._state.why

    @property
    def model(self) -> Model | None:
        """The checkpoint that the engine holds, once it is loaded."""
        return self._state.model

    # ---- jobs ----

    def generate(
        self,
        ask: Ask,
        owner: str,
        job_id: JobId | None = None,
        reply_to: Any = None,
        first: bool = False,
        into: str = "",
        seed_drawn: bool = False,
    ) -> tuple[Job, bool]:
        """Accept an ask. Returns its job and whether that is new (False: the ask repeats one with the same id).

        `first`: put it before the waiting jobs, or after one of them if the last job had the same owner. `into`: the sub-folder
        of a kit; never take it from a message. `seed_drawn`: the seed of the ask was drawn for an earlier job.
        Raises BadArgument, IdTaken, OutOfMemory, NoAudio, QueueFull, TooLate, NotReady or Stopping; then there is no job.
        """
        return self._intake.generate(ask, owner, job_id, reply_to, first, into, seed_drawn)

    def recall(self, recipe: Recipe, owner: str, job_id: JobId | None = None, reply_to: Any = None) -> tuple[Job, bool]:
        """Make a clip again from its recipe. Returns and raises as `generate` does."""
        return self._intake.recall(recipe, owner, job_id, reply_to)

    def queue(self) -> list[tuple[Job, int, float]]:
        """Each unfinished job with its position, 0 for one that is being made, and the seconds until its clip is ready."""
        jobs, waiting = self.jobs, set(self.jobs.queue)
        return [
            (job, jobs.ahead_of(job), jobs.eta_seconds(job)) if job in waiting else (job, 0, jobs.left_seconds(job))
            for job in jobs.in_order()
        ]

    def cancel(self, owner: str, job_id: JobId | None = None) -> list[Job]:
        """Cancel one job, or all unfinished jobs and kits of `owner`. Returns the cancelled jobs.

        A job whose clip is already being written is not cancelled: it is done within moments.
        Raises UnknownJob if `job_id` names no unfinished job.
        """
        if job_id is None:
            self.cancel_kits(owner)
        if self.sources.cancel(owner, job_id) and job_id is not None:
            return []
        cancelled = self.jobs.cancellable(owner, job_id)
        for job in cancelled:
            if job.serial in self.jobs.running:
                self.dispatcher.cancel(job)
            else:
                self.jobs.queue.remove(job)
            self._reporter.emit(job, "cancelled")
        return cancelled

    def _cancel_quietly(self, job: Job) -> None:
        if not job.state.ended:
            with contextlib.suppress(UnknownJob):  # it has just ended
                self.cancel(job.owner, job.id)

    def _preempt_speculative(self, for_all: bool = False) -> None:
        """Cancel running jobs that are made ahead, at their next step, unless there is room for another job beside them; they are
        requested again later."""
        if self.dispatcher.has_room and not for_all:
            return
        for job in list(self.jobs.running.values()):
            if not job.state.ended and self.stage.is_speculative(job):
                self._cancel_quietly(job)

    # ---- kits, pads, the stream ----

    def make_kit(self, ask: KitAsk, owner: str, reply_to: Any) -> KitEvent | None:
        """Accept a kit. If `owner` has an unfinished kit that is equal, return its last event instead.

        Raises BadArgument, QueueFull, NotReady or Stopping; then there is no kit.
        """
        if (last := self.kits.repeat_of(ask, owner, reply_to)) is not None:
            return last
        self._state.check_open()
        self.kits.add(ask, owner, reply_to)
        self.pull()
        return None

    def replace_sound(self, name: str, key: int, text: str, owner: str, reply_to: Any) -> None:
        """Make one sound of a finished kit of `owner` again, and map the kit again. `text`: its prompt, "" for the same. Raises
        UnknownJob, BadArgument, QueueFull, NotReady or Stopping."""
        self._state.check_open()
        self.kits.replace(owner, name, key, text, reply_to)
        self.pull()

    def cancel_kits(self, owner: str, name: str | None = None) -> None:
        """Cancel one kit of `owner`, or all, with their jobs. Raises UnknownJob if no unfinished kit has that name."""
        place = ("kit", owner) if name is None else ("kit", owner, name)
        if self.sources.leave(place, "It was cancelled before it began.") and name is not None:
            return
        for job in self.kits.cancel(owner, name):
            self._cancel_quietly(job)

    def start_stream(self, ask: Ask) -> None:
        """Start the stream, or change its prompt. Raises BadArgument, NoAudio."""
        self.stage.stream.start(ask, stream_period_s(ask, self.presets, self.stage.tempo))

    def change_stream(self, ask: Ask) -> None:
        """Change the prompt of the stream. Raises NoStream, BadArgument."""
        self.stage.stream.set(ask, stream_period_s(ask, self.presets, self.stage.tempo))

    def save_pad(self, number: int, press: Press) -> None:
        """Save the take that a pad played last to the folder; then PadSaved is published. Raises PadEmpty."""
        self.shaper.save(self.stage.pads.save(number, press))

    def crop(
        self,
        file: Path,
        path: str,
        part: tuple[float, float],
        reply_to: Any,
        refuse: Callable[[ClipbridgeError], None],
    ) -> None:
        """Write a part of an audio file, in seconds, into a new one; then Cropped is published, or `refuse` called. `path`: of the file,
        as its asker spells it. Raises BadArgument, ShaperLost."""

        def answer(facts: dict[str, Any]) -> None:
            text = facts.pop("recipe")
            if text and self.library is not None:
                self.library.cropped(facts["new_path"], text, facts["seconds"])
            self.publish(Cropped(path, **facts, reply_to=reply_to))

        self.files.crop(file, part, answer, refuse)

    def panic(self) -> None:
        """Silence everything, including clips that accepted jobs would play. Jobs go on."""
        for job in self.jobs.unfinished.values():
            job.silenced = True
        self.sources.panic()
        self.stage.panic()

    # ---- models of one's own ----

    def learn(self, ask: LearnAsk, owner: str, reply_to: Any) -> LearnEvent | None:
        """Learn a folder. If it is being learned already, return its last event instead. Raises BadArgument, Stopping, NotReady."""
        if self.state == "stopping":
            raise Stopping("Clipbridge is stopping.")
        return self.learning.begin(ask, owner, reply_to)

    # ---- the daemon ----

    def status(self) -> dict[str, Any]:
        """The state first, then what a host may want to show, in the order of the OSC table."""
        running, preparing, model = self.jobs.current, self.dispatcher.preparing, self.model
        getting_ready = self.state in ("loading", "warming")
        return {
            "state": self.state,
            "queue": len(self.jobs.queue),
            "running": "" if running is None else running.id,
            "model": model.name if model else "",
            "warm": f"{preparing.done}/{preparing.total}" if getting_ready else self.state,
            "compute": model.compute if model else "",
            "max_seconds": model.abilities.seconds.high if model else 0.0,
            "peak_mb": round(self.dispatcher.highest_bytes / 1e6, 1),
            "audio": self.stage.live.player.state,
            "underflows": self.stage.live.player.underflows,
            "why": self.why,
            "cue": self.stage.live.cue.state[0],
            "can": model.abilities.can if model else "",
            "slots": self.dispatcher.slots,
            "waiting": self.jobs.unbegun if self._engine_at else 0,
            "rate": self.jobs.rate,
        }

    def restart(self, model: str | None = None) -> None:
        """Start the engine again, with another checkpoint if `model` names one; the frontend has checked the name. The running
        job fails, waiting jobs stay."""
        if self.state == "stopping":
            raise Stopping("Clipbridge is stopping.")
        if model is not None and self._engine_at:
            raise Unsupported(
                f"The engine is on another machine ({self._engine_at}), and so is the choice: run clipbridge serve --model NAME there."
            )
        if model is not None:
            self.dispatcher.change(model)
        self.dispatcher.lose_running("The engine was restarted on request.")
        self.stage.live.restart_if_failed()
        if self.state == "failed":  # perhaps because the shaper was given up
            self._delivery.lose("it was restarted on request")
            self.shaper.restart()
        self._state.move("restarting", f"changing to {model}" if model else "", on_request=True)
        self.dispatcher.restart()

    async def stop(self, now: asyncio.Event) -> None:
        """Fail waiting jobs, let the running one end (for at most STOPPING_BUDGET_S, or until `now`), end the processes."""
        self._state.move("stopping")
        self.kits.stop()
        self.sources.stop()
        for job in list(self.jobs.queue):
            self._reporter.fail(job, Stopping("Clipbridge was stopped before this job began."))
        self.jobs.queue.clear()
        self.stage.stream.stop(STREAM_END_FADE_MS)
        self._preempt_speculative(for_all=True)
        end = time.monotonic() + STOPPING_BUDGET_S
        while not (
            (self.jobs.idle and not self.stage.pads.saves.busy and self.kits.idle)
            or now.is_set()
            or time.monotonic() > end
        ):
            self.tick()
            await asyncio.sleep(0.02)
        for job in list(self.jobs.unfinished.values()):
            self._reporter.fail(job, Stopping("Clipbridge was stopped before this clip was finished."))
        self.kits.end()
        await asyncio.gather(
            self.dispatcher.close(), self.shaper.close(), self.stage.live.close(), self.learning.close()
        )

    def publish(self, event: Event) -> None:
        """Hand an event to every listener."""
        for listener in list(self.listeners):
            try:
                listener.on_event(event)
            except Exception:  # a listener that fails must not stop the others, or the jobs
                log.exception("a listener failed")

    def _clips_cannot_be_written(self, reason: str) -> None:
        self.dispatcher.lose_running("Clips cannot be written.")
        self.dispatcher.give_up(f"The process that writes clips stopped five times in a row ({reason}).")
