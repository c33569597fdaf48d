"""Delivery: a job's samples go to the shaper process, finished clips come back and are reported."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable

from bridge.core import outcome
from bridge.core.file_work import FileWork
from bridge.core.jobs import Jobs
from bridge.core.reporter import Reporter
from bridge.core.shaper_link import ShaperLink
from bridge.core.state import DaemonState
from bridge.domain.clip import Piece
from bridge.domain.job import Job
from bridge.errors import BadAudio, ShaperLost
from bridge.kits.making import Kits
from bridge.library.library import Library
from bridge.live.stage import INTERNAL, Stage
from bridge.shaper import messages
from bridge.system.supervise import Worker

log = logging.getLogger("clipbridge")


class Delivery:
    """Owns the link to the shaper process. `on_requeued` is called when a job waits for the engine a second time, `on_lost` with a
    running job whose first samples are lost, `on_unusable` with the reason why clips can no longer be written."""

    def __init__(
        self,
        child: Worker,
        jobs: Jobs,
        state: DaemonState,
        stage: Stage,
        kits: Kits,
        library: Library | None,
        reporter: Reporter,
        on_requeued: Callable[[], None],
        on_lost: Callable[[Job], None],
        on_unusable: Callable[[str], None],
    ) -> None:
        self.on_clip: Callable[[str, str], None] = lambda owner, path: None  # with the owner and the path of each clip
        self.link = ShaperLink(child, self)
        self.files = FileWork(self.link.work_on_file)
        self._jobs, self._state, self._stage, self._kits = jobs, state, stage, kits
        self._library, self._reporter = library, reporter
        self._on_requeued, self._on_lost, self._on_unusable = on_requeued, on_lost, on_unusable

    def samples(self, job: Job, piece: Piece) -> None:
        """Pass on samples of a running job."""
        job.pieces += 1
        if job.pieces == 1 and not piece.last and self._stage.plays_early(job):
            self.link.begin(job)
        self.link.samples(job.serial, piece)

    def deliver(self, job: Job, scores: tuple[float, ...]) -> None:
        """Have a job's clip written, or held for the player: all its samples were passed on."""
        self._jobs.shaping[job.serial] = job
        self.link.deliver(job, scores, insist=not (job.seed_drawn and self._may_retry(job)))

    def lose(self, reason: str, given_up: bool = False) -> None:
        """Fail everything that the process was working on: it is gone. `given_up`: it is not started again."""
        self.files.lose(reason, given_up)
        self._stage.pads.saves.lose(reason)
        self._kits.lose(reason)
        lost = list(self._jobs.shaping.values())
        self._jobs.shaping.clear()
        self.link.rest()
        for running in self._jobs.running.values():
            if running.pieces:  # its first samples are gone with the process
                self._on_lost(running)
                lost.append(running)
        for job in lost:
            why = f"The process that writes clips stopped ({reason}). Ask for this clip again."
            self._reporter.fail(job, ShaperLost(why))

    # ---- reports of the link (ShaperListener) ----

    def on_early(self, message: messages.Early) -> None:
        """The next samples of a clip that is played while it is decoded."""
        self._stage.on_early(self._jobs.unfinished.get(message.serial), message)

    def on_saved(self, message: messages.Saved) -> None:
        """A pad's take was saved, or could not be."""
        self._stage.pads.saves.on_saved(message)

    def on_kit(self, message: messages.Claimed | messages.Mapped) -> None:
        """A kit's folder was created or its mappings were written, or could not be."""
        self._rest()
        self._kits.on_shaped(message)

    def on_file(self, message: messages.FileDone) -> None:
        """A file was read, or could not be."""
        self.files.on_done(message)
        self._rest()

    def on_undelivered(self, message: messages.Undelivered) -> None:
        """The samples did not become a clip: retry once if another seed may help, else fail."""
        job = self._jobs.shaping.pop(message.serial, None)
        self._rest()
        if job is None:
            return
        log.info("%s", message.details or message.why)
        # Another seed may help against silence, or a loop without a beat. What was made with it is what an ask with that seed
        # gives: a stated seed is only replaced if it gives no sound.
        if message.code in (BadAudio.code, messages.OFF_TEMPO) and self._may_retry(job):
            self._jobs.requeue(job, message.why)
            self._on_requeued()
        else:
            self._reporter.emit(job, "failed", code=message.code, why=message.why)

    def on_delivered(self, message: messages.Delivered) -> None:
        """A clip is finished."""
        job = self._jobs.shaping.pop(message.serial, None)
        self._rest()
        if job is None:
            self._stage.live.discard(message.playable)
            return
        self._jobs.eta.learn_delivery(job.prompt, message.seconds)
        job.prompt = dataclasses.replace(job.prompt, unmet=message.takes[0].unmet)
        if job.prompt.takes > 1 and not job.recipe:
            for take in message.takes:
                self._reporter.emit(job, "take", take=take.take, path=take.path, score=take.score, seed=take.seed)
        if self._library is not None and job.ask.sink not in INTERNAL:
            self._library.delivered(job, message.takes)
        if message.takes[0].path and job.ask.sink not in INTERNAL:
            self.on_clip(job.owner, message.takes[0].path)
        early_voice = job.voice
        voice = self._stage.on_clip(job, message.playable, message.takes[0].sample_rate)
        self._reporter.emit(job, "done", **outcome.done(job, message, voice))
        if voice and not early_voice:
            self._stage.announce_voice(job, voice["voice"])

    def on_shaper_death(self, reason: str, given_up: bool) -> None:
        """The process stopped."""
        self.lose(reason, given_up)
        if given_up:
            self._on_unusable(reason)

    def _rest(self) -> None:
        if not self._jobs.shaping and not self.files.busy:
            self.link.rest()

    def _may_retry(self, job: Job) -> bool:
        return not (job.retry_reason or job.recipe or job.voice) and self._state.refusal() is None
