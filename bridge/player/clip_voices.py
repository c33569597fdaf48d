"""Load clips for the mixer: whole ones, or part by part while they are still being decoded."""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable

import numpy as np

from bridge.player.desk import Desk
from bridge.player.messages import Ended, Play, Stop
from bridge.player.samples import read
from bridge.player.voice import MIN_FADE_MS, Voice, clean

log = logging.getLogger("clipbridge")

START_TIMEOUT_S = 3.0  # a clip that could not start this long after its request is dropped


class ClipVoices:
    """`run` loads on one thread; the other methods are called on another. `say` reports voices that could not start."""

    def __init__(self, desk: Desk, say: Callable[[Ended], None]) -> None:
        self._desk, self._say = desk, say
        self._to_load: queue.SimpleQueue[tuple[Play, float]] = queue.SimpleQueue()
        self._growing: dict[int, Voice] = {}  # voices whose clips are still being decoded

    def play(self, play: Play) -> None:
        """Queue a clip, or the next part of one."""
        if not play.goes_on:
            self._desk.expect(play.voice)
        self._to_load.put((play, time.monotonic() + START_TIMEOUT_S))

    def forget(self, voice: int) -> None:
        """Drop further parts of `voice`."""
        self._growing.pop(voice, None)

    def run(self) -> None:
        """Load queued clips, forever."""
        while True:
            play, latest = self._to_load.get()
            try:
                why = self._go_on(play) if play.goes_on else self._begin(play, latest)
            except Exception as error:  # noqa: BLE001 - a clip that cannot be read; the others can
                why = f"its samples cannot be read ({type(error).__name__}: {error})"
            if not why:
                continue
            self.forget(play.voice)
            if play.goes_on:  # the mixer reports its end
                log.info("voice %d: %s", play.voice, why)
                self._desk.stop(Stop(play.voice, MIN_FADE_MS))
            else:
                self._desk.give_up(play.voice)
                self._say(Ended(play.voice, why))

    def _begin(self, play: Play, latest: float) -> str:
        """Load a clip, or its first part, and pass it to the mixer. Returns the reason if that failed, else ""."""
        mixer = self._desk.mixer(max(0.0, latest - time.monotonic()))
        if mixer is None:
            return "there is no audio device"
        if time.monotonic() > latest:
            return "it could not begin in time"
        samples = read(play.file, play.sample_rate, mixer.sample_rate, play.loop)
        voice = mixer.voice(play.voice, samples, play.gain, play.pan, play.loop)
        voice.when = play.when
        if play.frames > len(samples) and play.sample_rate == mixer.sample_rate:
            buffer = np.zeros((play.frames, samples.shape[1]), np.float32)
            buffer[: len(samples)] = voice.samples
            voice.samples, voice.filled = buffer, len(samples)
            self._growing[play.voice] = voice
        return self._desk.arrive(voice)

    def _go_on(self, play: Play) -> str:
        voice = self._growing.get(play.voice)
        if voice is None:
            return ""  # it has ended
        samples = clean(np.load(play.file, allow_pickle=False))[: len(voice.samples) - voice.filled]
        voice.samples[voice.filled : voice.filled + len(samples)] = samples
        voice.filled = len(voice.samples) if play.last else voice.filled + len(samples)
        if play.last:
            self._growing.pop(play.voice, None)
        return ""
