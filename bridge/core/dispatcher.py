"""The dispatcher: gives waiting jobs to the engine and passes on what the engine reports."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Sequence

from bridge.core.delivery import Delivery
from bridge.core.engine_link import EngineLink, lost
from bridge.core.eta import EtaFile
from bridge.core.jobs import Jobs
from bridge.core.reporter import Reporter
from bridge.core.state import DaemonState, not_ready
from bridge.domain.clip import Piece, Prompt
from bridge.domain.events import Preparing, Publish
from bridge.domain.job import Job
from bridge.domain.model import NO_PREFERENCES, Model, Preferences
from bridge.engine import messages
from bridge.errors import BadArgument, EngineLost, OutOfMemory, TooLate
from bridge.live.stage import Stage
from bridge.system.supervise import Worker

log = logging.getLogger("clipbridge")


class Dispatcher:
    """Owns the engine links, by the requested name of the checkpoint ("" for the default), or, if there are several of one engine on
    other machines, by their numbers. `eta_file`: where the learned times are saved between runs, if anywhere."""

    def __init__(
        self,
        children: Sequence[Worker],
        jobs: Jobs,
        state: DaemonState,
        stage: Stage,
        publish: Publish,
        eta_file: EtaFile | None,
        reporter: Reporter,
        delivery: Delivery,
        is_remote: bool = False,
    ) -> None:
        self.links = {str(number or ""): EngineLink(child, self, is_remote) for number, child in enumerate(children)}
        self.preparing = messages.Stage("loading", 0, 0, "")
        self.last_owner = ""  # of the job that was started last
        self._jobs, self._state, self._stage, self._publish = jobs, state, stage, publish
        self._eta_file, self._reporter, self._delivery = eta_file, reporter, delivery
        self._recalled_key = ""

    def start(self) -> None:
        """Spawn the engine processes."""
        for link in self.links.values():
            link.start()

    def tick(self) -> None:
        """Supervise them."""
        for link in self.links.values():
            link.tick()

    @property
    def idle(self) -> bool:
        """Whether an engine is ready and has nothing to do."""
        return self._state.serving and not self._jobs.running and not self._jobs.queue

    @property
    def has_room(self) -> bool:
        """Whether an engine would take one more job now."""
        free = sum(link.is_ready and link.serial is None for link in self.links.values())
        return self._state.serving and free > len(self._jobs.queue)

    @property
    def slots(self) -> str:
        """How many engines take jobs, of how many: "3/4"."""
        return f"{sum(link.is_ready for link in self.links.values())}/{len(self.links)}"

    @property
    def highest_bytes(self) -> int:
        """The most memory that an engine has held."""
        return max(link.highest_bytes for link in self.links.values())

    def check_fits(self, prompt: Prompt, preferences: Preferences = NO_PREFERENCES) -> None:
        """Raises BadArgument, Unsupported or OutOfMemory if a loaded checkpoint cannot make this."""
        for link in self.links.values():
            link.check_fits(prompt, preferences)

    def feed(self) -> None:
        """Give every free engine the next job."""
        for link in self.links.values():
            while self._state.serving and link.is_ready and link.serial is None and self._jobs.queue:
                job = self._jobs.queue[0]
                try:
                    link.check_fits(job.prompt)
                    self._jobs.meet_deadline(job)
                except (BadArgument, OutOfMemory, TooLate) as error:
                    self._jobs.queue.popleft()
                    self._reporter.fail(job, error)
                    continue
                self._jobs.start(job)
                self.last_owner, job.model = job.owner, link.model
                link.generate(job, job.engine_seconds)

    def cancel(self, job: Job) -> None:
        """Stop the engine's work on a job, at its next step."""
        for link in self.links.values():
            if link.serial == job.serial:
                link.cancel(job.serial)

    def change(self, model: str) -> None:
        """Use another checkpoint from the next start on; its times are learned from scratch."""
        self._save_eta()
        _, link = self.links.popitem()
        link.change(model)
        self.links[model] = link
        self._state.model = None
        self._jobs.forget_checkpoint()

    def restart(self) -> None:
        """Start the engines again; their jobs must be lost by then."""
        for link in self.links.values():
            link.restart()

    def lose_running(self, reason: str) -> None:
        """Fail the running jobs."""
        for link in self.links.values():
            if link.serial is not None:
                link.release()
        for job in list(self._jobs.running.values()):
            self._jobs.running.pop(job.serial)
            self._reporter.fail(job, lost(reason))

    def give_up(self, why: str) -> None:
        """Fail the waiting jobs, and make nothing until a restart on request."""
        for link in self.links.values():
            link.release()
        self._state.move("failed", why)
        waiting = list(self._jobs.queue)
        self._jobs.queue.clear()
        for job in waiting:
            self._reporter.fail(job, not_ready(why))

    async def close(self) -> None:
        """End the engine processes."""
        self._save_eta()
        if self._eta_file is not None:
            await asyncio.to_thread(self._eta_file.wait, 2.0)
        await asyncio.gather(*(link.close() for link in self.links.values()))

    # ---- reports of the links (EngineListener) ----

    def on_preparing(self, stage: messages.Stage) -> None:
        """The engine is loading or warming, or improves between jobs."""
        if stage.phase != "improving":
            self.preparing = stage
            self._move(stage.phase)
        self._publish(Preparing(stage.phase, stage.done, stage.total, stage.what))

    def on_ready(self, ready: messages.Ready) -> None:
        """The engine takes jobs, or has improved."""
        key = _eta_key(ready.model)
        if self._state.model is not None and _eta_key(self._state.model) != key:  # the same checkpoint, in a faster way
            self._save_eta()
            self._jobs.forget_times()
        # Recall once per checkpoint: after a mere restart of the engine, newer measurements are in memory.
        if self._eta_file is not None and self._recalled_key != key:
            self._eta_file.recall(self._jobs.eta, key)
            self._recalled_key = key
        self._jobs.set_abilities(ready.model.abilities)
        for cost in ready.costs:
            self._jobs.eta.learn(cost)
        self._jobs.estimate()
        self._stage.live.player.spawn()
        self._state.model = ready.model
        for job in self._jobs.running.values():  # sent before, and not begun: the engine improves between jobs
            if job.model is not None and not job.state.ended:
                job.model = ready.model
        self._state.move("ready", ready.shortcoming)
        self.feed()

    def on_unusable(self, why: str) -> None:
        """The checkpoint cannot be loaded."""
        self.give_up(why)

    def on_waiting(self, why: str) -> None:
        """The engine on another machine cannot be reached; jobs wait for it."""
        self._move("waiting", why)

    def on_returned(self, serial: int) -> None:
        """Nothing of a job was begun, on an engine that cannot be reached: it waits again, as the first."""
        job = self._jobs.running.pop(serial, None)
        if job is not None and not job.state.ended:
            self._jobs.give_back(job)

    def on_step(self, serial: int, fraction: float) -> None:
        """Progress of a job, 0 to 1."""
        if (job := self._jobs.running.get(serial)) is not None:
            self._reporter.emit(job, "progress", fraction=fraction)

    def on_samples(self, serial: int, piece: Piece) -> None:
        """Samples of a job."""
        job = self._jobs.running.get(serial)
        if job is not None and not job.state.ended:
            self._delivery.samples(job, piece)

    def on_finished(self, message: messages.Finished) -> None:
        """The engine has sent all samples of a job."""
        job = self._jobs.running.pop(message.serial)
        if job.prompt.source is None:
            self._jobs.eta.learn(message.cost)
        else:
            self._jobs.eta.learn_source(job.prompt, message.cost.seconds)
        job.engine_took = message.cost.seconds
        if not job.state.ended:
            job.remarks = message.remarks
            job.prompt = dataclasses.replace(job.prompt, unmet=message.unmet, in_tempo=message.in_tempo)
            self._delivery.deliver(job, message.scores)
        self.feed()

    def on_broken(self, message: messages.Broken) -> None:
        """A job ended without a clip."""
        job = self._jobs.running.pop(message.serial)
        if message.code != "cancelled":
            self._reporter.emit(job, "failed", code=message.code, why=message.why)
        if message.code == EngineLost.code and not message.survives:
            # The process ends itself; its successor serves the other jobs.
            self._move("restarting", message.why)
        self.feed()

    def on_engine_death(self, serial: int | None, reason: str, given_up: bool) -> None:
        """An engine process stopped; another one is starting unless `given_up`."""
        if serial is not None and (job := self._jobs.running.pop(serial, None)) is not None:
            self._reporter.fail(job, lost(f"The engine stopped ({reason})."))
        if self._state.refusal() is not None:
            return
        if given_up and not self._is_any_ready:
            self.give_up(f"The engine stopped five times in a row, the last time because of this: {reason}.")
        else:
            self._move("restarting", reason)

    @property
    def _is_any_ready(self) -> bool:
        return any(link.is_ready for link in self.links.values())

    def _move(self, name: str, why: str = "") -> None:
        """Change the state, unless another engine goes on."""
        if not self._is_any_ready:
            self._state.move(name, why)

    def _save_eta(self) -> None:
        if self._eta_file is not None and self._state.model is not None:
            self._eta_file.save(self._jobs.eta, _eta_key(self._state.model))


def _eta_key(model: Model) -> str:
    return f"{model.name} {model.revision} {model.compute} {model.dtype} {model.compiled}"
