"""The process that writes clips as the core sees it: whose samples it has, what came of them, what is lost if it dies."""

from __future__ import annotations

import dataclasses
import logging
from typing import TYPE_CHECKING, Any

from bridge.core import outcome
from bridge.domain.clip import Model, Piece
from bridge.domain.job import Job, JobState
from bridge.errors import BadAudio, ShaperLost
from bridge.live.stage import INTERNAL
from bridge.shaper import messages as delivery
from bridge.shaper.messages import Claim, Claimed, Leave, Map, Mapped
from bridge.system.supervise import Child

if TYPE_CHECKING:
    from bridge.core.core import Core

log = logging.getLogger("clipbridge")

SHAPING_BUDGET_S = 60.0


class ShaperSide:
    """Hands samples to `child` and listens to it."""

    def __init__(self, core: Core, child: Child) -> None:
        self._bridge, self._child = core, child
        child.on_message, child.on_death = self._says, self._died

    def start(self) -> None:
        """Spawn the process."""
        self._child.start()

    def tick(self) -> None:
        """Supervise it."""
        self._child.tick()

    def samples(self, job: Job, piece: Piece, model: Model) -> None:
        """Hand on what the engine made of a job."""
        job.pieces += 1
        if job.pieces == 1 and not piece.last and self._bridge.stage.hears_early(job):
            self._child.send(delivery.Begin(job.serial, job.prompt, model))
        self._child.send(delivery.Samples(job.serial, piece))

    def deliver(self, job: Job, scores: tuple[float, ...]) -> None:
        """All samples of a job are there: let it be written, or be held for the player."""
        assert job.model is not None
        self._bridge.jobs.shaping[job.serial] = job
        self._child.watch(SHAPING_BUDGET_S, "writing a clip")
        only, insist = job.recipe.take if job.recipe else 0, not self._may_be_made_again(job)
        sink = job.ask.sink or "folder"
        self._child.send(delivery.Deliver(job.serial, job.prompt, job.model, scores, sink, only=only, insist=insist))

    def drop(self, job: Job) -> None:
        """It may hold samples of a job that ended."""
        self._child.send(delivery.Drop(job.serial))

    def keep(self, keep: delivery.Keep) -> None:
        """Put a take into the folder; `Stage.kept` is told."""
        self._child.send(keep)

    def shape_kit(self, message: Claim | Map | Leave) -> None:
        """Let it work on a kit's folder; `Kits.told` is told."""
        if not isinstance(message, Leave):
            self._child.watch(SHAPING_BUDGET_S, "writing a kit")
        self._child.send(message)

    def restart(self) -> None:
        """Start it afresh, after it was given up."""
        self._lose("it was restarted on request")
        self._child.restart()

    async def close(self) -> None:
        """End the process."""
        await self._child.close()

    def _says(self, message: Any) -> None:
        if isinstance(message, delivery.Written):
            return  # a sign of life between two takes
        core = self._bridge
        self._child.settled()
        if isinstance(message, delivery.Early):
            core.stage.early(core.jobs.unfinished.get(message.serial), message)
        elif isinstance(message, delivery.Kept):
            core.stage.kept(message)
        elif isinstance(message, Claimed | Mapped):
            self._rest()
            core.kits.told(message)
        else:
            job = core.jobs.shaping.pop(message.serial, None)
            self._rest()
            if isinstance(message, delivery.Undelivered):
                self._undelivered(job, message)
            elif job is None:
                core.stage.live.discard(message.playable)
            else:
                self._delivered(job, message)

    def _rest(self) -> None:
        if not self._bridge.jobs.shaping:
            self._child.watch(None)

    def _undelivered(self, job: Job | None, message: delivery.Undelivered) -> None:
        if job is None:
            return
        log.info("%s", message.details or message.why)
        if message.code in (BadAudio.code, delivery.OFF_TEMPO) and self._may_be_made_again(job):
            self._make_again(job, message.why)
        else:
            self._bridge.emit(job, "failed", code=message.code, why=message.why)

    def _delivered(self, job: Job, message: delivery.Delivered) -> None:
        core = self._bridge
        core.jobs.eta.learn_delivery(job.prompt, message.seconds)
        if job.prompt.takes > 1 and not job.recipe:
            for take in message.takes:
                core.emit(job, "take", take=take.take, path=take.path, score=take.score, seed=take.seed)
        if core.library is not None and job.ask.sink not in INTERNAL:
            core.library.delivered(job, message.takes)
        early = job.voice
        heard = core.stage.made(job, message.playable, message.takes[0].sample_rate)
        core.emit(job, "done", **outcome.done(job, message, heard))
        if heard and not early:
            core.stage.told(job, heard["voice"])

    def _may_be_made_again(self, job: Job) -> bool:
        return not (job.again or job.recipe or job.voice) and self._bridge.state not in ("stopping", "failed")

    def _make_again(self, job: Job, why: str) -> None:
        """What came was no sound, or a loop without a beat: once more, before all others, with the next seed."""
        job.again, job.state, job.pieces = why, JobState.QUEUED, 0
        job.prompt = dataclasses.replace(job.prompt, seed=job.prompt.seed_of(job.prompt.takes + 1))
        self._bridge.jobs.queue.appendleft(job)
        self._bridge.engine.feed()

    def _lose(self, reason: str) -> None:
        core = self._bridge
        core.stage.lose_saving(reason)
        core.kits.lose(reason)
        lost = list(core.jobs.shaping.values())
        core.jobs.shaping.clear()
        self._child.watch(None)
        running = core.jobs.running
        if running is not None and running.pieces:  # its first samples are gone with the process
            core.engine.cancel(running.serial)
            lost.append(running)
        for job in lost:
            core.fail(job, ShaperLost(f"The process that writes clips stopped ({reason}). Ask for this clip again."))

    def _died(self, reason: str, given_up: bool) -> None:
        self._lose(reason)
        if given_up:
            self._bridge.engine.lose_running("Clips cannot be written.")
            self._bridge.engine.give_up(f"The process that writes clips stopped five times in a row ({reason}).")
