"""The link to an engine process: its checkpoint, its job and its reports. Runs on the event loop and never blocks."""

from __future__ import annotations

import logging
from typing import Any, Protocol

from bridge.checkpoints import families
from bridge.domain.clip import Piece, Prompt
from bridge.domain.model import NO_PREFERENCES, Model, Preferences
from bridge.engine import messages, needs
from bridge.errors import EngineLost
from bridge.system.supervise import Worker

log = logging.getLogger("clipbridge")

PREPARING_BUDGET_S = 15 * 60.0
GENERATING_BUDGET_S = 10.0
# With an engine on another machine: its process has limits of its own, ten seconds of silence among them, and only looking up a name
# may take longer.
REMOTE_BUDGET_S = 60.0


class Work(Protocol):
    """What a link sends to its engine: a job, or what a box does for a front on another machine."""

    @property
    def serial(self) -> int: ...
    @property
    def prompt(self) -> Prompt: ...


class EngineListener(Protocol):
    """What a link reports. `serial`: of the job that the engine works on."""

    def on_preparing(self, stage: messages.Stage) -> None: ...
    def on_ready(self, ready: messages.Ready) -> None: ...
    def on_unusable(self, why: str) -> None: ...
    def on_waiting(self, why: str) -> None: ...
    def on_returned(self, serial: int) -> None: ...
    def on_step(self, serial: int, fraction: float) -> None: ...
    def on_samples(self, serial: int, piece: Piece) -> None: ...
    def on_finished(self, message: messages.Finished) -> None: ...
    def on_broken(self, message: messages.Broken) -> None: ...
    def on_engine_death(self, serial: int | None, reason: str, given_up: bool) -> None: ...


class EngineLink:
    """Sends jobs to `child`, one at a time, and passes its reports on to `listener`. `is_remote`: the engine is on another machine."""

    def __init__(self, child: Worker, listener: EngineListener, is_remote: bool = False) -> None:
        self._child, self._listener = child, listener
        self._least_budget_s = REMOTE_BUDGET_S if is_remote else GENERATING_BUDGET_S
        child.on_message, child.on_death = self._on_message, self._on_death
        self.model: Model | None = None
        self.highest_bytes = 0
        self.is_ready = False  # it takes a job if it has none
        self.serial: int | None = None  # of its job; a cancelled job stays until it stops
        self._needs = needs.Needs()
        self._done = -1

    def start(self) -> None:
        """Spawn the process."""
        self._watch_loading()
        self._child.start()

    def tick(self) -> None:
        """Supervise it."""
        self._child.tick()

    def generate(self, job: Work, expected_s: float) -> None:
        """Start a job, which should take `expected_s` seconds (0: unknown)."""
        self.serial, self._done = job.serial, -1
        budget_s = max(self._least_budget_s, 5 * expected_s) if expected_s else PREPARING_BUDGET_S
        self._child.watch(budget_s, "generating")
        self._child.send(messages.Generate(job.serial, job.prompt))

    def cancel(self, serial: int) -> None:
        """End a job at its next step."""
        self._child.send(messages.Cancel(serial))

    def check_fits(self, prompt: Prompt, preferences: Preferences = NO_PREFERENCES) -> None:
        """Raises BadArgument, Unsupported or OutOfMemory if the checkpoint cannot make this; never while it is unknown."""
        model = self.model
        if model is None:
            return
        prompt = model.abilities.settled(prompt, preferences)
        if (refusal := model.abilities.refusal(prompt, model.name, families.able)) is not None:
            raise refusal
        # The memory that is free while a job runs says nothing about later; `Dispatcher.feed` checks again.
        if self._needs.budget or self.serial is None:
            needs.check(prompt, self._needs, model.compute)

    def change(self, model: str) -> None:
        """Use another checkpoint from the next start on."""
        self._child.change(model=model)
        self.model = None

    def restart(self) -> None:
        """Start the process again; its job must be lost by then."""
        self.is_ready = False
        self._child.restart()
        self._watch_loading()

    def release(self) -> None:
        """Forget its job, which has ended or was given up."""
        self.serial = None
        self._child.watch(None)

    async def close(self) -> None:
        """End the process."""
        await self._child.close()

    def _on_message(self, message: Any) -> None:
        listener = self._listener
        if isinstance(message, messages.Stage):
            listener.on_preparing(message)
        elif isinstance(message, messages.Ready):
            self.model, self._needs, self.highest_bytes = message.model, message.needs, message.highest_bytes
            if self.serial is None:  # else it improved just before it got the job
                self._child.watch(None)
            self._child.settled()
            self.is_ready = True
            listener.on_ready(message)
        elif isinstance(message, messages.Unloadable):
            log.info("%s", message.details or message.why)
            self._child.watch(None)
            self.is_ready = False
            listener.on_unusable(message.why)
        elif isinstance(message, messages.Waiting):
            self.is_ready = False
            listener.on_waiting(message.why)
        elif message.serial != self.serial:
            return  # from a job that was given up
        elif isinstance(message, messages.Step):
            # Decoding repeats the last step as a sign of life: only a new step is progress.
            if message.done != self._done:
                self._done = message.done
                listener.on_step(message.serial, round(message.done / (message.units + 1), 4))
        elif isinstance(message, messages.Samples):
            listener.on_samples(message.serial, message.piece)
        elif isinstance(message, messages.Finished):
            self.highest_bytes = message.highest_bytes
            self.release()
            listener.on_finished(message)
        elif isinstance(message, messages.Returned):
            self.release()
            listener.on_returned(message.serial)
        elif isinstance(message, messages.Broken):
            log.info("%s", message.details or message.why)
            if message.code == EngineLost.code and not message.survives:
                self.is_ready = False  # the process ends itself
            self.release()
            listener.on_broken(message)

    def _watch_loading(self) -> None:
        self._child.watch(PREPARING_BUDGET_S, "loading the checkpoint")

    def _on_death(self, reason: str, given_up: bool) -> None:
        serial, self.serial, self.is_ready = self.serial, None, False
        if given_up:
            self._child.watch(None)
        else:
            self._watch_loading()
        self._listener.on_engine_death(serial, reason, given_up)


def lost(reason: str) -> EngineLost:
    """The error of a job whose engine is gone."""
    return EngineLost(f"{reason} This clip is lost: ask for it again.")
