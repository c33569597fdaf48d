"""Box: the engine of this machine, the work that waits for it, and what both say. Runs on the event loop and never blocks."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from collections.abc import Callable
from pathlib import Path

from bridge import __version__
from bridge.cluster.work import Work
from bridge.cluster.works import Works
from bridge.core.engine_link import EngineLink, lost
from bridge.core.eta import Eta
from bridge.domain.clip import Piece, Prompt
from bridge.engine import messages, wire
from bridge.errors import ClipbridgeError, EngineLost, NotReady
from bridge.system.supervise import TICK_S, Worker

log = logging.getLogger("clipbridge")

MOST_HELD_BYTES = 1 << 30  # of samples that fronts have not read yet
# The box checks itself whether a job fits into the memory, when it runs: a front need not know what is free here.
NO_LIMIT = 1 << 62


class Box:
    """Serves `child`, an engine process, one job at a time. `say` gets a line for each change of its state."""

    def __init__(self, child: Worker, say: Callable[[str], None]) -> None:
        self._link, self._say = EngineLink(child, self), say
        self._eta = Eta()
        self._works = Works()
        self._ready: messages.Ready | None = None
        self._why, self._said = "The checkpoint is being loaded.", ""
        self.given_up = ""  # why the engine is not started again
        self.decided = asyncio.Event()  # it was ready, or given up
        self._costs: dict[tuple[float, int], messages.Cost] = {}  # by their seconds of sound and evaluations
        self._ticking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Spawn the engine process and supervise it."""
        self._link.start()
        self._ticking = asyncio.create_task(self._tick())

    async def close(self) -> None:
        """End the running job as lost, let the fronts ask elsewhere for those that wait, and end the process."""
        if self._ticking is not None:
            self._ticking.cancel()
        if self._works.running is not None:
            self._break(self._works.running, lost("The box was stopped."))
        self._works.release()
        await self._link.close()

    # ---- for the fronts ----

    @property
    def is_ready(self) -> bool:
        """Whether the engine takes jobs."""
        return self._ready is not None

    def facts(self) -> wire.Facts:
        """What this box says of itself."""
        ready = self._ready
        if ready is not None:
            needs = dataclasses.replace(ready.needs, budget=ready.needs.budget or NO_LIMIT)
            ready = dataclasses.replace(ready, needs=needs, costs=tuple(self._costs.values()))
        return wire.Facts(__version__, wire.PROTOCOL, ready, self._why)

    def check(self, prompt: Prompt, name: str, revision: str) -> None:
        """Raises NotReady, also if the front asks for another checkpoint than is loaded (its `name` and `revision`); BadArgument,
        Unsupported or OutOfMemory if the loaded one cannot make this."""
        model = self._link.model
        if self._ready is None or model is None:
            raise NotReady(self._why)
        if (model.name, model.revision) != (name, revision):
            raise NotReady(f"The box now serves {model.name}, not {name[:80]}.")
        self._link.check_fits(prompt)

    def add(self, prompt: Prompt, source: Path | None) -> Work:
        """Queue a checked prompt. Raises QueueFull."""
        work = self._works.add(prompt, source)
        self._feed()
        return work

    def leave(self, work: Work) -> None:
        """Stop working for a front that has gone: at the next step, if it has begun."""
        self._stop(work)
        work.end(None)
        self._works.remove(work)

    # ---- reports of the link (EngineListener) ----

    def on_preparing(self, stage: messages.Stage) -> None:
        """The engine loads or warms, or improves between jobs."""
        if stage.phase == "loading":
            self._tell("Loading the checkpoint …")

    def on_ready(self, ready: messages.Ready) -> None:
        """The engine takes jobs, or has improved."""
        if self._ready is None or self._ready.model != ready.model:  # the times of another network
            self._costs.clear()
        self._ready, self._why = ready, ""
        self.decided.set()
        self._eta.whole_s = ready.model.abilities.whole_s
        for cost in ready.costs:
            self._eta.learn(cost)
            self._costs[round(cost.sound_s, 2), cost.evaluations] = cost
        model = ready.model
        self._tell(f"Ready: {model.name} on {model.compute}{f' ({ready.shortcoming})' if ready.shortcoming else ''}.")
        self._feed()

    def on_unusable(self, why: str) -> None:
        """The checkpoint cannot be loaded."""
        self._give_up(why)

    def on_step(self, serial: int, fraction: float) -> None:
        """Progress of the running job, 0 to 1."""
        if (work := self._works.current(serial)) is not None:
            work.step(round(fraction * (work.prompt.units + 1)))

    def on_samples(self, serial: int, piece: Piece) -> None:
        """Samples of the running job."""
        if (work := self._works.current(serial)) is not None:
            facts = {"take": piece.take, "start_frame": piece.start_frame, "channels": piece.channels}
            work.add(wire.frame("piece", piece.samples, **facts, last=piece.last))
            self._bound()

    def on_finished(self, message: messages.Finished) -> None:
        """The engine has sent all samples of the running job."""
        if (work := self._works.current(message.serial)) is not None:
            end = dataclasses.asdict(message)
            del end["serial"]
            work.end(wire.frame("finished", **end))
            if work.prompt.source is None:
                self._eta.learn(message.cost)
            else:
                self._eta.learn_source(work.prompt, message.cost.seconds)
        self._rest()

    def on_broken(self, message: messages.Broken) -> None:
        """The running job ended without a clip."""
        if (work := self._works.current(message.serial)) is not None:
            work.end(wire.frame("broken", code=message.code, why=message.why))
        if message.code == EngineLost.code:  # the process ends itself; its successor serves the other jobs
            self._lose(message.why)
        self._rest()

    def on_returned(self, serial: int) -> None:
        """Only an engine on another machine returns jobs."""

    def on_waiting(self, why: str) -> None:
        """Only an engine on another machine is waited for."""

    def on_engine_death(self, serial: int | None, reason: str, given_up: bool) -> None:
        """The engine process stopped; another one is starting unless `given_up`."""
        if serial is not None and (work := self._works.current(serial)) is not None:
            self._break(work, lost(f"The engine stopped ({reason})."))
        self._works.run(None)
        if given_up:
            self._give_up(f"The engine stopped five times in a row, the last time because of this: {reason}.")
        else:
            self._lose(reason)

    # ---- inside ----

    async def _tick(self) -> None:
        while True:
            self._link.tick()
            await asyncio.sleep(TICK_S)

    def _feed(self) -> None:
        while self._ready is not None and self._link.serial is None and (work := self._works.next()) is not None:
            try:
                self._link.check_fits(work.prompt)
            except ClipbridgeError as error:  # the memory that was free before is not
                self._break(work, error)
                continue
            self._works.run(work)
            self._link.generate(work, self._eta.engine_seconds(work.prompt))

    def _rest(self) -> None:
        self._works.run(None)
        self._feed()

    def _stop(self, work: Work) -> None:
        """Let the engine stop at its next step, if it works on this."""
        if self._works.current(work.serial) is work:
            self._link.cancel(work.serial)

    def _bound(self) -> None:
        """Give up the slowest front if all of them hold too much of the memory."""
        if self._works.held > MOST_HELD_BYTES:
            work = self._works.slowest
            self._stop(work)
            error = lost("The front read its clip too slowly.")
            work.drop(wire.frame("broken", code=error.code, why=str(error)))

    def _break(self, work: Work, error: ClipbridgeError) -> None:
        work.end(wire.frame("broken", code=error.code, why=str(error)))

    def _lose(self, reason: str) -> None:
        self._ready, self._why = None, "The engine restarts."
        self._tell(f"The engine restarts ({reason}).")

    def _give_up(self, why: str) -> None:
        self._ready, self._why, self.given_up = None, why, why
        self.decided.set()
        log.warning("%s", why)
        self._works.release()

    def _tell(self, line: str) -> None:
        if line != self._said:
            self._said = line
            with contextlib.suppress(OSError, ValueError):  # nobody reads standard output
                self._say(line)
