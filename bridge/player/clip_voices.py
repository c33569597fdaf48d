"""Load clips for the mixer: whole ones, part by part while they are still being decoded, or from any audio file."""

from __future__ import annotations

import contextlib
import logging
import queue
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from bridge.errors import ClipbridgeError
from bridge.player.audio_part import AudioPart
from bridge.player.desk import Desk
from bridge.player.messages import Ended, Play, Stop
from bridge.player.samples import read
from bridge.player.voice import MIN_FADE_MS, Samples, Voice, clean

log = logging.getLogger("clipbridge")

START_TIMEOUT_S = 3.0  # a clip that could not start this long after its request is dropped
FIRST_S, PIECE_S = 0.5, 2.0  # of an audio file: read before it sounds, and at a time later
AHEAD_S = 10.0  # of an audio file that is sounding are read
LOOK_S = 0.05  # how often to look whether one needs more


class ClipVoices:
    """`run` loads on one thread; the other methods are called on another. `say` reports voices that could not start."""

    def __init__(self, desk: Desk, say: Callable[[Ended], None]) -> None:
        self._desk, self._say = desk, say
        self._to_load: queue.SimpleQueue[tuple[Play, float]] = queue.SimpleQueue()
        self._growing: dict[int, Voice] = {}  # voices whose clips are still being decoded
        self._parts: dict[int, AudioPart] = {}  # the audio files of some of them

    def play(self, play: Play) -> None:
        """Queue a clip, or the next part of one."""
        if not play.goes_on:
            self._desk.expect(play.voice)
        self._to_load.put((play, time.monotonic() + START_TIMEOUT_S))

    def forget(self, voice: int) -> None:
        """Drop further parts of `voice`."""
        self._growing.pop(voice, None)
        self._parts.pop(voice, None)

    def run(self) -> None:
        """Load queued clips, forever."""
        while True:
            with contextlib.suppress(queue.Empty):
                play, latest = self._to_load.get(timeout=LOOK_S if self._parts else None)
                if play.goes_on:
                    self._grow(play.voice, partial(self._go_on, play))
                elif why := _reason(partial(self._begin, play, latest)):
                    self.forget(play.voice)
                    self._desk.give_up(play.voice)
                    self._say(Ended(play.voice, why))
            for voice, part in list(self._parts.items()):
                self._grow(voice, partial(self._read_on, voice, part))

    def _grow(self, voice: int, load: Callable[[], str]) -> None:
        """Append samples to a voice by `load`; if that fails, end the voice."""
        if why := _reason(load):
            log.info("voice %d: %s", voice, why)
            self.forget(voice)
            self._desk.stop(Stop(voice, MIN_FADE_MS))  # the mixer reports its end

    def _begin(self, play: Play, latest: float) -> str:
        """Load a clip, or its first part, and pass it to the mixer. Returns the reason if that failed, else ""."""
        mixer = self._desk.mixer(max(0.0, latest - time.monotonic()))
        if mixer is None:
            return "there is no audio device"
        if time.monotonic() > latest:
            return "it could not begin in time"
        if play.output not in mixer.layout.firsts:  # never on another one: the audience would hear the cue
            return mixer.layout.no_cue
        if play.sample_rate:
            samples = read(play.file, play.sample_rate, mixer.sample_rate, play.loop)
            frames = play.frames if play.sample_rate == mixer.sample_rate else 0
        else:
            samples, frames = self._opened(play, mixer.sample_rate)
        voice = mixer.voice(play.voice, samples, play.gain, play.pan, play.loop, play.output)
        voice.when = play.when
        if frames > len(samples):
            buffer = np.zeros((frames, samples.shape[1]), np.float32)
            buffer[: len(samples)] = voice.samples
            voice.samples, voice.filled = buffer, len(samples)
            self._growing[play.voice] = voice
        return self._desk.arrive(voice)

    def _opened(self, play: Play, device_rate: int) -> tuple[Samples, int]:
        """The first samples of an audio file, and the number of frames if more follow, else 0. Raises ClipbridgeError."""
        part = AudioPart(play, device_rate)
        samples = part.read(FIRST_S)
        if part.is_over:
            return samples, 0
        self._parts[play.voice] = part
        return samples, part.frames

    def _go_on(self, play: Play) -> str:
        voice = self._growing.get(play.voice)
        if voice is not None:  # else it has ended
            _fill(voice, np.load(play.file, allow_pickle=False))
            if play.last:
                voice.filled = len(voice.samples)
                self._growing.pop(play.voice, None)
        return ""

    def _read_on(self, number: int, part: AudioPart) -> str:
        """Read more of an audio file, unless enough is ahead."""
        voice = self._growing.get(number)
        if voice is not None and voice.filled - voice.position < AHEAD_S * part.device_rate:
            _fill(voice, part.read(PIECE_S))
            if part.is_over:
                voice.samples = voice.samples[: voice.filled]  # a damaged file is shorter than it states
                self.forget(number)
        return ""


def _fill(voice: Voice, samples: Samples) -> None:
    """Append decoded samples."""
    samples = clean(samples)[: len(voice.samples) - voice.filled]
    voice.samples[voice.filled : voice.filled + len(samples)] = samples
    voice.filled += len(samples)


def _reason(load: Callable[[], str]) -> str:
    """What `load` returns: "", or the reason why it failed, also if that is an exception."""
    try:
        return load()
    except ClipbridgeError as error:
        return str(error).rstrip(".")
    except Exception as error:  # noqa: BLE001 - a clip that cannot be read; the others can
        return f"its samples cannot be read ({type(error).__name__}: {error})"
