"""The stage: everything that sounds (clips, pads and the stream), in one tempo. Runs on the event loop and never blocks."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bridge.domain.ask import Ask
from bridge.domain.clip import OUTPUT_RATE
from bridge.domain.events import AudioChanged, CueChanged, JobEvent, Publish, VoiceChanged
from bridge.domain.job import Job
from bridge.domain.tempo import Tempo
from bridge.errors import BadArgument, NoAudio, Silenced
from bridge.live import pads
from bridge.live import stream as streams
from bridge.live.audition import Audition
from bridge.live.pads import Pads
from bridge.live.stream import Stream
from bridge.live.voices import Live
from bridge.player.messages import NOW, when
from bridge.shaper import messages as delivery

log = logging.getLogger("clipbridge")

# Sinks that no ask may name: their clips are played later.
INTERNAL = (pads.SINK, streams.SINK)


class Stage:
    """`changed` is called when pads or the stream may need clips, or need none any more. `pads_file`: where pads are saved between
    runs, if anywhere."""

    def __init__(
        self, live: Live, publish: Publish, changed: Callable[[], None], pads_file: Path | None = None
    ) -> None:
        self.live = live
        self.pads = Pads(live, publish, changed, pads_file)
        self.stream = Stream(live, publish, changed)
        self.panics = 0
        self._publish = publish
        live.on_new_player = self._on_new_player
        live.announce_held = self.pads.on_held
        live.announce_voice, live.announce_device = self._on_voice, self._on_device
        live.announce_cue = self._on_cue

    def tick(self) -> None:
        """Supervise the player and schedule the stream; to be called every TICK_S seconds."""
        self.live.tick()
        try:
            self.stream.tick()
        except Exception:  # the stream must not end the daemon
            log.exception("the stream could not go on")

    def pop_abandoned_jobs(self) -> list[Job]:
        """The jobs that pads and the stream no longer need; each is returned once."""
        return self.pads.pop_abandoned_jobs() + self.stream.pop_abandoned_jobs()

    def panic(self) -> None:
        """Stop all sound. What is played after this is heard."""
        self.panics += 1
        self.stream.stop(0.0)
        self.live.stop()

    def silence(self, voice: int) -> None:
        """Fade one voice out, if it still sounds."""
        if self.live.sounds(voice):
            self.live.stop(voice)

    def play_file(self, audition: Audition) -> None:
        """Play an audio file. Raises NoAudio; Silenced if there was a panic after it was asked for."""
        if audition.panics != self.panics:
            raise Silenced("Everything was stopped before the file could begin: send it again.")
        voice = self.live.play_file(audition)
        self._on_voice(voice, audition, "waiting", "")

    # ---- tempo ----

    @property
    def tempo(self) -> Tempo:
        return self.live.player.tempo

    def set_tempo(self, bpm: float, beats_per_bar: int, at: float | None = None) -> None:
        """Change the tempo, from `at` (seconds of time.perf_counter; None: now) on."""
        now = time.perf_counter() if at is None else at
        self.live.set_tempo(self.tempo.changed(bpm, beats_per_bar, now))
        self.pads.on_tempo()

    def beat(self, beat: float, at: float | None = None) -> None:
        """Set the time of a beat: `beat` falls at `at` (None: now)."""
        self.live.set_tempo(self.tempo.with_beat(beat, time.perf_counter() if at is None else at))

    # ---- clips of jobs ----

    def check(self, ask: Ask, seconds: float) -> None:
        """Check that a clip of `seconds` can go where the ask says, and open the audio device if it is played. Raises
        BadArgument, NoAudio."""
        if ask.sink == pads.SINK:
            pads.check_length(seconds)
        elif ask.gate is not None:
            raise BadArgument("gate is for pads (it ends the sound when the button is released): leave it out.")
        if ask.sink == "audio":  # for "both", the file is worth making alone
            self.live.player.check("Leave sink out to write the clip to the folder.")
        if ask.sink in ("audio", "both"):
            self.live.player.open()

    def plays_early(self, job: Job) -> bool:
        """Whether to play a clip while it is still being decoded: at once, alone, and at its own sample rate."""
        at_once = job.ask.sink in ("audio", "both") and when(job.ask.quantize) == NOW and job.prompt.takes == 1
        return (
            at_once
            and job.prompt.as_it_comes
            and not job.silenced
            and self.live.player.state == "open"
            and self.live.player.sample_rate == OUTPUT_RATE
        )

    def on_early(self, job: Job | None, part: delivery.Early) -> None:
        """Play the next samples of a clip that is still being decoded."""
        file, sample_rate = part.file, part.sample_rate
        if job is None or job.silenced:
            self.live.discard(file)
        elif job.voice:
            self.live.continue_voice(job.voice, file, sample_rate, part.last)
        else:
            try:
                job.voice = self._play(job, file, sample_rate, part.frames)
            except NoAudio as error:
                self.live.discard(file)
                log.info("not played early: %s", error)
                job.silenced = True
                return
            self.announce_voice(job, job.voice)

    def on_clip(self, job: Job, file: str, sample_rate: int) -> dict[str, int]:
        """A clip is finished: hand it to its pad or the stream, or play it. `file` has its samples ("": it is not played).
        Returns the number of its voice as `voice`, or {}."""
        if job.ask.sink in INTERNAL:
            self._source_of(job).on_clip(job, file, sample_rate)
            return {}
        if job.voice:
            return {"voice": job.voice}
        if not file or job.silenced:
            self.live.discard(file)
            return {}
        try:
            self.live.player.check()
        except NoAudio:
            self.live.discard(file)
            remarks = [job.remarks.get("remark"), f"it was not played: {self.live.player.why.rstrip('.')}"]
            job.remarks = {**job.remarks, "remark": "; ".join(filter(None, remarks))}
            return {}
        job.voice = self._play(job, file, sample_rate)
        return {"voice": job.voice}

    def _play(self, job: Job, file: str, sample_rate: int, frames: int = 0) -> int:
        gain, pan = (1.0 if job.ask.gain is None else job.ask.gain), job.ask.pan or 0.0
        return self.live.play(job, file, sample_rate, gain, pan, when(job.ask.quantize), frames, job.prompt.loop)

    def announce_voice(self, job: Job, voice: int) -> None:
        """Publish the voice of a job, once its asker knows its number."""
        self._on_voice(voice, job, "began" if when(job.ask.quantize) == NOW else "waiting", "")

    def on_job_event(self, job: Job, event: JobEvent) -> None:
        """Something happened to a job of a pad or of the stream."""
        self._source_of(job).on_job_event(job, event)

    def _source_of(self, job: Job) -> Pads | Stream:
        return self.pads if job.ask.sink == pads.SINK else self.stream

    def is_speculative(self, job: Job) -> bool:
        """Whether a job may be cancelled in favour of other jobs: it is made ahead and not urgent."""
        return job.ask.sink == pads.SINK or (job.ask.sink == streams.SINK and not self.stream.urgent)

    def _on_new_player(self) -> None:
        self.pads.reload()
        self.stream.reload()

    def _on_voice(self, voice: int, owner: Any, state: str, why: str) -> None:
        if isinstance(owner, Stream):
            owner.on_voice(voice, state)
        else:
            reply_to = None if owner is None else owner.reply_to
            path = owner.path if isinstance(owner, Audition) else ""
            self._publish(VoiceChanged(voice, state, why, path, reply_to=reply_to))
            self.pads.voices.on_voice(voice, state)

    def _on_device(self, state: str, why: str) -> None:
        self._publish(AudioChanged(state, why))

    def _on_cue(self, state: str, why: str) -> None:
        self._publish(CueChanged(state, why))
