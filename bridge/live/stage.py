"""What sounds: clips that are played when they are made, pads, the stream, all in one tempo.

Everything here runs on the event loop and never blocks.
"""

from __future__ import annotations

import logging
import time
from typing import Any, Protocol

from bridge.domain.ask import Ask
from bridge.domain.clip import OUTPUT_RATE
from bridge.domain.events import AudioChanged, Event, PadSaved, VoiceChanged
from bridge.domain.job import Job
from bridge.errors import NoAudio
from bridge.live import pads
from bridge.live import stream as streams
from bridge.live.pads import Pads, Press, Take
from bridge.live.stream import Stream
from bridge.live.voices import Live
from bridge.player.messages import NOW, when
from bridge.shaper import messages as delivery

log = logging.getLogger("clipbridge")

# Sinks that no asker may name: what is made for them sounds later.
INTERNAL = (pads.SINK, streams.SINK)


class Maker(Protocol):
    """The core, as far as the stage needs it."""

    def idle(self) -> bool: ...
    def serving(self) -> bool: ...
    def fill(self, ask: Ask, owner: str, first: bool = False) -> Job: ...
    def cancel_fill(self, job: Job) -> None: ...
    def period_s(self, ask: Ask) -> float: ...
    def keep(self, keep: delivery.Keep) -> None: ...
    def publish(self, event: Event) -> None: ...


class Stage:
    """`bridge` is set before anything is called."""

    def __init__(self, live: Live, all_pads: Pads) -> None:
        self.live, self.pads, self.stream = live, all_pads, Stream(live)
        live.renewed = self._renewed
        live.tell_voice, live.tell_device = self._voice_told, self._device_told
        self._saving: dict[int, tuple[int, Press, Take]] = {}

    def attach(self, core: Maker) -> None:
        """Name who makes the clips."""
        self.core = core
        self.pads.core, self.stream.core = self, self

    def tick(self) -> None:
        """Supervise the player, begin what is to begin; to be called every TICK_S seconds."""
        self.live.tick()
        for work in (self.stream.tick, self.pads.fill):
            try:
                work()
            except Exception:  # a pad or a stream must not end the daemon
                log.exception("a pad or the stream could not go on")

    def panic(self) -> None:
        """Silence now, and until something is played again."""
        self.stream.stop(0.0)
        self.live.stop()

    def silence(self, voice: int) -> None:
        """Fade one voice out, if it still sounds."""
        if self.live.sounds(voice):
            self.live.stop(voice)

    # ---- tempo ----

    def set_tempo(self, bpm: float, beats_per_bar: int, at: float | None = None) -> None:
        """Another tempo, from `at` (seconds of time.perf_counter; None: now) on."""
        now = time.perf_counter() if at is None else at
        self.live.set_tempo(self.live.tempo.changed(bpm, beats_per_bar, now))
        self.pads.tempo_changed()

    def beat(self, beat: float, at: float | None = None) -> None:
        """This beat falls at `at`, or now."""
        self.live.set_tempo(self.live.tempo.told(beat, time.perf_counter() if at is None else at))

    # ---- clips of jobs ----

    def check(self, sink: str) -> None:
        """A clip is asked for that is to sound. Raises NoAudio."""
        if sink in ("audio", "both"):
            self.live.check()
            self.live.open()

    def hears_early(self, job: Job) -> bool:
        """Whether a clip is to be heard while it is still being decoded: at once, alone, and at the rate that it has."""
        at_once = job.ask.sink in ("audio", "both") and when(job.ask.quantize) == NOW and job.prompt.takes == 1
        return (
            at_once
            and job.prompt.as_it_comes
            and not job.silenced
            and self.live.state == "open"
            and self.live.sample_rate == OUTPUT_RATE
        )

    def early(self, job: Job | None, part: delivery.Early) -> None:
        """The next samples of such a clip."""
        file, sample_rate = part.file, part.sample_rate
        if job is None or job.silenced:
            self.live.discard(file)
        elif job.voice:
            self.live.go_on(job.voice, file, sample_rate, part.last)
        else:
            try:
                job.voice = self._play(job, file, sample_rate, part.frames)
            except NoAudio as error:
                self.live.discard(file)
                log.info("not heard early: %s", error)
                job.silenced = True
                return
            self.told(job, job.voice)

    def made(self, job: Job, file: str, sample_rate: int) -> dict[str, int]:
        """The samples of a job are there: for a pad, for the stream, or to be heard; then its voice is returned."""
        if job.ask.sink in INTERNAL:
            assert job.model is not None
            self._made_for(job).made(job, file, sample_rate, job.model)
            return {}
        if job.voice:
            return {"voice": job.voice}
        if not file:
            return {}
        if job.silenced:
            self.live.discard(file)
            return {}
        try:
            self.live.check()
        except NoAudio as error:
            self.live.discard(file)
            remarks = [job.remarks.get("remark"), str(error).rstrip(".")]
            job.remarks = {**job.remarks, "remark": "; ".join(filter(None, remarks))}
            return {}
        job.voice = self._play(job, file, sample_rate)
        return {"voice": job.voice}

    def _play(self, job: Job, file: str, sample_rate: int, frames: int = 0) -> int:
        gain, pan = (1.0 if job.ask.gain is None else job.ask.gain), job.ask.pan or 0.0
        return self.live.play(job, file, sample_rate, gain, pan, when(job.ask.quantize), frames, job.prompt.loop)

    def told(self, job: Job, voice: int) -> None:
        """Its asker knows the number of the voice now."""
        self._voice_told(voice, job, "began" if when(job.ask.quantize) == NOW else "waiting", "")

    def job_event(self, job: Job, kind: str, fields: dict[str, Any]) -> None:
        """Something happened to a job of a pad or of the stream."""
        self._made_for(job).job_event(job, kind, fields)

    def _made_for(self, job: Job) -> Pads | Stream:
        return self.pads if job.ask.sink == pads.SINK else self.stream

    def gives_way(self, job: Job) -> bool:
        """Whether a job may be ended for somebody else's, and made later."""
        return job.ask.sink == pads.SINK or (job.ask.sink == streams.SINK and not self.stream.urgent)

    # ---- what pads and the stream ask for (pads.Filler, streams.Filler) ----

    def idle(self) -> bool:
        """Whether the engine has nothing to do."""
        return self.core.idle()

    def serving(self) -> bool:
        """Whether the engine makes clips."""
        return self.core.serving()

    def fill(self, ask: Ask, owner: str, first: bool = False) -> Job:
        """Make a clip. Raises as `Core.generate` does."""
        return self.core.fill(ask, owner, first)

    def cancel_fill(self, job: Job) -> None:
        """Stop making it."""
        self.core.cancel_fill(job)

    def period_s(self, ask: Ask) -> float:
        """How long an ask's clip is now. Raises BadArgument."""
        return self.core.period_s(ask)

    def keep_take(self, pad: int, take: Take, press: Press) -> None:
        """Put a pad's take into the folder; listeners hear of it."""
        number = max(self._saving, default=0) + 1
        self._saving[number] = (pad, press, take)
        self.core.keep(delivery.Keep(number, take.file, take.prompt, take.model))

    def publish(self, event: Event) -> None:
        """Hand an event to every listener."""
        self.core.publish(event)

    # ---- what comes back ----

    @property
    def saving(self) -> bool:
        """Whether takes are on their way to the folder."""
        return bool(self._saving)

    def kept(self, message: delivery.Kept) -> None:
        """A take is in the folder, or cannot be."""
        if message.number in self._saving:
            pad, press, take = self._saving.pop(message.number)
            self.pads.saved(take)
            self.core.publish(PadSaved(pad, message.path, message.why, reply_to=press.reply_to))

    def lose_saving(self, reason: str) -> None:
        """The process that writes clips stopped."""
        for number in list(self._saving):
            self.kept(delivery.Kept(number, "", f"the process that writes clips stopped ({reason})"))

    def _renewed(self) -> None:
        self.pads.hold_again()
        self.stream.hold_again()

    def _voice_told(self, voice: int, owner: Any, state: str, why: str) -> None:
        if isinstance(owner, Stream):
            owner.voice_told(voice, state)
        else:
            reply_to = None if owner is None else owner.reply_to
            self.core.publish(VoiceChanged(voice, state, why, reply_to=reply_to))

    def _device_told(self, state: str, why: str) -> None:
        self.core.publish(AudioChanged(state, why))
