"""The engine as the core sees it: which checkpoint it holds, the job it works on, what becomes of both if it dies.

Everything here runs on the event loop's thread and never blocks.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from typing import TYPE_CHECKING, Any

from bridge.core.eta import Eta, EtaFile
from bridge.domain.clip import Model, Prompt
from bridge.domain.events import Preparing
from bridge.domain.job import JobState
from bridge.engine import messages as engine
from bridge.engine import needs as memory
from bridge.errors import BadArgument, EngineLost, NotReady, OutOfMemory, TooLate, Unsupported
from bridge.system.supervise import Child

if TYPE_CHECKING:
    from bridge.core.core import Core

log = logging.getLogger("clipbridge")

PREPARING_BUDGET_S = 15 * 60.0
GENERATING_BUDGET_S = 10.0


class EngineSide:
    """Feeds `child` with jobs and listens to it. `eta_file`: where what is learned about the time that clips take is kept
    between runs, if anywhere."""

    def __init__(self, core: Core, child: Child, eta_file: EtaFile | None) -> None:
        self._bridge, self._child = core, child
        child.on_message, child.on_death = self._says, self._died
        self.model: Model | None = None
        self.highest_bytes = 0
        self.preparing = engine.Stage("loading", 0, 0, "")
        self.last_owner = ""  # of the job that the engine was given last
        self._needs = memory.Needs()
        self._step = -1  # of the running job
        self._eta_file, self._recalled = eta_file, ""

    def start(self) -> None:
        """Spawn the process."""
        self._watch_loading()
        self._child.start()

    def tick(self) -> None:
        """Supervise it."""
        self._child.tick()

    def feed(self) -> None:
        """Give it the next job, if it has none."""
        jobs = self._bridge.jobs
        while self._bridge.state == "ready" and jobs.running is None and jobs.queue:
            job = jobs.queue.popleft()
            try:
                self.check_fits(job.prompt)
                jobs.meet_deadline(job)
            except (BadArgument, OutOfMemory, TooLate) as error:
                self._bridge.fail(job, error)
                continue
            job.state, job.started_at = JobState.RUNNING, time.monotonic()
            jobs.running, self._step, self.last_owner = job, -1, job.owner
            job.engine_seconds = expected = jobs.eta.engine_seconds(job.prompt)
            budget = max(GENERATING_BUDGET_S, 5 * expected) if expected else PREPARING_BUDGET_S
            self._child.watch(budget, "generating")
            self._child.send(engine.Generate(job.serial, job.prompt))

    def cancel(self, serial: int) -> None:
        """Let it end a job at the next step."""
        self._child.send(engine.Cancel(serial))

    def check_fits(self, prompt: Prompt) -> None:
        """Raises BadArgument, Unsupported or OutOfMemory for what this checkpoint, if it is known already, cannot make."""
        model = self.model
        if model is None:
            return
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
        if self._needs.budget or self._bridge.jobs.running is None:
            memory.check(prompt, self._needs, model.compute)

    def change(self, model: str) -> None:
        """Another checkpoint, from the next start on."""
        (config,) = self._child.args
        self._child.args = (dataclasses.replace(config, model=model),)
        self.keep_eta()
        self.model, self._bridge.jobs.eta = None, Eta()

    def restart(self) -> None:
        """Start the process afresh. The running job is lost by then."""
        self._child.restart()
        self._watch_loading()

    def lose_running(self, reason: str) -> None:
        """The running job, if there is one, failed."""
        jobs = self._bridge.jobs
        running, jobs.running = jobs.running, None
        if running is not None:
            self._bridge.fail(running, EngineLost(f"{reason} This clip is lost: ask for it again."))

    def give_up(self, why: str) -> None:
        """Nothing can be made until somebody mends it: what waits fails."""
        self._child.watch(None)
        self._bridge.set_state("failed", why)
        waiting = list(self._bridge.jobs.queue)
        self._bridge.jobs.queue.clear()
        for job in waiting:
            self._bridge.fail(job, NotReady(f"{why} Fix it, then send /bridge/restart."))

    def keep_eta(self) -> None:
        """Write down what was learned about the time that clips take."""
        if self._eta_file is not None and self.model is not None:
            self._eta_file.keep(self._bridge.jobs.eta, _eta_key(self.model))

    async def close(self) -> None:
        """End the process."""
        self.keep_eta()
        if self._eta_file is not None:
            await asyncio.to_thread(self._eta_file.wait, 2.0)
        await self._child.close()

    def _says(self, message: Any) -> None:
        core, running = self._bridge, self._bridge.jobs.running
        if isinstance(message, engine.Stage):
            self.preparing = message
            core.set_state(message.phase)
            core.publish(Preparing(message.phase, message.done, message.total, message.what))
        elif isinstance(message, engine.Ready):
            self._is_ready(message)
        elif isinstance(message, engine.Unloadable):
            log.info("%s", message.details or message.why)
            self.give_up(message.why)
        elif running is None or message.serial != running.serial:
            return
        elif isinstance(message, engine.Step):
            # Decoding reports steps too, as signs of life; the asker is only told what is new.
            if message.step != self._step:
                self._step = message.step
                core.emit(running, "progress", fraction=round(message.step / (message.steps + 1), 4))
        elif isinstance(message, engine.Samples):
            if not running.state.ended:
                assert self.model is not None
                core.shaper.samples(running, message.piece, self.model)
        elif isinstance(message, engine.Finished):
            core.jobs.eta.learn(running.prompt, message.timing.denoise_s, message.timing.rest_s)
            self.highest_bytes = message.highest_bytes
            running.engine_took = message.timing.denoise_s + message.timing.rest_s
            self._is_free()
            if not running.state.ended:
                running.remarks, running.model = message.remarks, self.model
                core.shaper.deliver(running, message.scores)
            self.feed()
        elif isinstance(message, engine.Broken):
            log.info("%s", message.details or message.why)
            self._is_free()
            if message.code != "cancelled":
                core.emit(running, "failed", code=message.code, why=message.why)
            if message.code == EngineLost.code:  # the process ends itself now; the next one serves the rest
                core.set_state("restarting", message.why)
            self.feed()

    def _is_ready(self, message: engine.Ready) -> None:
        core = self._bridge
        self.model, self._needs, self.highest_bytes = message.model, message.needs, message.highest_bytes
        # Once: after a mere restart of the engine what was measured since is newer.
        if self._eta_file is not None and self._recalled != (key := _eta_key(self.model)):
            self._eta_file.recall(core.jobs.eta, key)
            self._recalled = key
        for timing in message.timings:
            core.jobs.eta.learn(timing.prompt, timing.denoise_s, timing.rest_s)
        core.jobs.estimate()
        self._child.watch(None)
        self._child.settled()
        core.stage.live.spawn()
        core.set_state("ready", message.shortcoming)
        self.feed()

    def _is_free(self) -> None:
        self._bridge.jobs.running = None
        self._child.watch(None)

    def _watch_loading(self) -> None:
        self._child.watch(PREPARING_BUDGET_S, "loading the checkpoint")

    def _died(self, reason: str, given_up: bool) -> None:
        self.lose_running(f"The engine stopped ({reason}).")
        if self._bridge.state in ("stopping", "failed"):
            return
        if given_up:
            self.give_up(f"The engine stopped five times in a row, the last time because of this: {reason}.")
        else:
            self._bridge.set_state("restarting", reason)
            self._watch_loading()


def _eta_key(model: Model) -> str:
    return f"{model.name} {model.revision} {model.compute} {model.dtype} {model.compiled}"
