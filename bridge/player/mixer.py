"""Voices into one output, each at its frame: gains and pans that glide, fades at every stop, a limiter that is always on.

Runs inside the audio callback: no allocation worth mentioning, no locks, no exceptions for what can be asked for.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from bridge.domain.limits import VOICE_FADE_MS
from bridge.domain.tempo import Tempo
from bridge.player.grid import Clock, Grid
from bridge.player.messages import NOW, Change, Stop, When

Samples = npt.NDArray[np.float32]

CEILING = np.float32(10 ** (-1 / 20))  # −1 dBFS: room for the overshoot of the converter, as in the files
RELEASE_DB_PER_S = 200.0
MAX_VOICES = 64  # one more fades the oldest out
LEAST_FADE_MS = VOICE_FADE_MS.low  # shorter is heard as a click
MAX_LATER = 1_000  # things that wait for their frame


@dataclass(slots=True, eq=False)
class Glide:
    """A number that moves in a straight line."""

    now: float
    target: float = 0.0
    left: int = 0  # frames until it is there

    def to(self, target: float, frames: int) -> None:
        """Be at `target` in `frames` frames."""
        self.target, self.left = target, max(1, frames)

    def take(self, frames: int) -> Samples | float:
        """The next `frames` values, or the one number that they all are."""
        if not self.left:
            return self.now
        moving = min(frames, self.left)
        step = (self.target - self.now) / self.left
        values = np.full(frames, self.target, np.float32)
        values[:moving] = self.now + step * np.arange(1, moving + 1, dtype=np.float32)
        self.left -= moving
        self.now = float(values[-1]) if self.left else self.target
        return values


def clean(samples: Samples) -> Samples:
    """float32 without NaN and infinity."""
    return np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)


def fade_ends(samples: Samples, frames: int) -> None:
    """A quarter of a sine up and another one down, in place: two clips that overlap by so much keep their power."""
    frames = min(frames, len(samples) // 2)
    if frames:
        ramp = np.sin(np.pi / 2 * np.arange(frames, dtype=np.float32) / frames)[:, None]
        samples[:frames] *= ramp
        samples[-frames:] *= ramp[::-1]


@dataclass(slots=True, eq=False)
class Voice:
    """A clip that sounds, or will: `when`, or `overlap` frames before the end of the voice `after`. `samples`: (frames,
    channels), at the device's rate."""

    number: int
    samples: Samples
    gain: Glide
    pan: Glide
    loop: bool = False
    when: When = NOW
    after: int | None = None
    overlap: int = 0
    margin: int = 240  # frames of the shortest fade
    filled: int = -1  # so many of the samples are there already; -1: all
    starved: bool = False  # silent until more are there
    position: int = 0
    fade: Glide = field(default_factory=lambda: Glide(1.0))
    stopping: bool = False

    @property
    def over(self) -> bool:
        """Whether nothing more will be heard of it."""
        return (self.stopping and not self.fade.left) or (not self.loop and self.position >= len(self.samples))

    def stop(self, frames: int) -> None:
        """Fade out in so many frames; a fade that is shorter already goes on."""
        if not self.stopping or frames < self.fade.left:
            self.stopping = True
            self.fade.to(0.0, frames)
        if self.starved:
            self.fade.left = 0

    def add_to(self, mix: Samples) -> None:
        """Add the next frames to (channels, frames)."""
        wanted, there = mix.shape[1], len(self.samples)
        if 0 <= self.filled < there:
            wanted = self._there(wanted)
            mix = mix[:, :wanted]
        elif self.starved:
            self._resume()
        if self.loop and there < wanted:
            self._add(mix, self.samples[(self.position + np.arange(wanted)) % there])
            self.position = (self.position + wanted) % there
            return
        done = 0
        while done < wanted and self.position < there:
            piece = self.samples[self.position : self.position + wanted - done]
            self._add(mix[:, done : done + len(piece)], piece)
            self.position += len(piece)
            done += len(piece)
            if self.loop and self.position == there:
                self.position = 0

    def _there(self, wanted: int) -> int:
        """How many of the `wanted` frames of a clip that is still being decoded can sound now. It fades out before it runs
        dry, and comes back when there is something again."""
        left = self.filled - self.position
        if self.starved:
            if left < self.margin:
                return 0
            self._resume()
        elif left < wanted + self.margin and not self.stopping:
            wanted = min(wanted, left)
            self.fade.to(0.0, max(1, min(wanted, self.margin)))
            self.starved = True
        return min(wanted, left)

    def _resume(self) -> None:
        self.starved = False
        self.fade.now = 0.0
        self.fade.to(1.0, self.margin)

    def _add(self, mix: Samples, piece: Samples) -> None:
        """As it is, or one multiplication: at a block of 256 frames the calls cost more than what they compute."""
        factors: list[Any]
        level: Any
        if self.gain.left or self.pan.left or self.fade.left:
            gain, pan, fade = (glide.take(len(piece)) for glide in (self.gain, self.pan, self.fade))
            level = np.float32(gain) * fade
            factors = [level * np.minimum(1.0, 1.0 - pan), level * np.minimum(1.0, 1.0 + pan)]
        else:
            level, pan = self.gain.now * self.fade.now, self.pan.now
            if pan == 0.0 and piece.shape[1] == 1:
                mix += piece[:, 0] if level == 1.0 else piece[:, 0] * np.float32(level)
                return
            factors = [np.float32(level * min(1.0, 1.0 - pan)), np.float32(level * min(1.0, 1.0 + pan))]
        # Balance: in the middle both channels are as they are, to a side the other one goes down.
        for channel in range(len(mix)):
            source = piece[:, min(channel, piece.shape[1] - 1)]
            mix[channel] += source * (factors[channel] if len(mix) > 1 else level)


class Limiter:
    """Keeps every sample at or below CEILING: down at once, up again by RELEASE_DB_PER_S. What is below is not touched."""

    def __init__(self, sample_rate: int) -> None:
        self._rise = RELEASE_DB_PER_S / sample_rate
        self._reduction = 0.0  # dB, at most 0

    def apply(self, mix: Samples) -> None:
        """Limit (channels, frames) in place. NaN and infinity become silence and the ceiling."""
        np.nan_to_num(mix, copy=False, nan=0.0, posinf=float(CEILING), neginf=-float(CEILING))
        peaks = np.abs(mix).max(axis=0, initial=0.0)
        highest = float(peaks.max(initial=0.0))
        if highest > CEILING * 1.000001 or self._reduction < 0.0:
            steps = self._rise * np.arange(1, len(peaks) + 1)
            wanted = np.minimum(0.0, 20 * np.log10(CEILING / np.maximum(peaks, 1e-9)))
            # Each frame: as low as this one wants, or as the one before let it rise to.
            reduction = np.minimum(np.minimum.accumulate(wanted - steps) + steps, self._reduction + steps)
            np.minimum(reduction, 0.0, out=reduction)
            mix *= (10 ** (reduction / 20)).astype(np.float32)
            self._reduction = float(reduction[-1])
        np.clip(mix, -CEILING, CEILING, out=mix)


class Mixer:
    """All voices of one device. Other threads only append to `asked`: a Voice, Stop, Change or Tempo. `began` tells which of
    the voices that waited sound, `ended` which are over."""

    def __init__(self, sample_rate: int, channels: int) -> None:
        self.sample_rate, self.channels = sample_rate, channels
        self.asked: deque[object] = deque()
        self.began: deque[int] = deque()
        self.ended: deque[int] = deque()
        self.voices: list[Voice] = []
        self.frame = 0  # the next one
        self._later: list[tuple[int, int, object]] = []  # a heap by frame; then in the order in which it was asked
        self._counted = 0
        self._clock = Clock(sample_rate)
        self._grid = Grid(sample_rate)
        self._tempo: Tempo | None = None
        self._limiter = Limiter(sample_rate)

    def frames(self, milliseconds: float) -> int:
        """So many milliseconds, in frames of the device."""
        return round(milliseconds / 1000 * self.sample_rate)

    def voice(self, number: int, samples: Samples, gain: float = 1.0, pan: float = 0.0, loop: bool = False) -> Voice:
        """A voice of this mixer's rate, not sounding yet; `samples` (frames, channels) are cleaned."""
        return self.cleaned_voice(number, clean(samples), gain, pan, loop)

    def cleaned_voice(
        self, number: int, samples: Samples, gain: float = 1.0, pan: float = 0.0, loop: bool = False
    ) -> Voice:
        """The same for samples that are clean already: takes no time."""
        voice = Voice(number, samples, Glide(gain), Glide(pan), loop and len(samples) > 0)
        voice.margin = self.frames(LEAST_FADE_MS)
        return voice

    def render(self, mix: Samples, at: float | None = None) -> None:
        """Fill (frames, channels) with the next sound. `at`: when that is asked for, in seconds of `time.perf_counter`."""
        if at is not None:
            self._clock.tick(self.frame, at)
            # The device's clock is not the machine's, and it may have stood still.
            if self._tempo is not None and self._grid.off(frame := self._clock.frame_of(self._tempo.at, self.frame)):
                self._grid.set(self._tempo, frame)
        bus = np.zeros(
            (self.channels, len(mix)), np.float32
        )  # channel after channel: half the time of frame after frame
        while self.asked:
            self._ask(self.asked.popleft())
        done = 0
        while done < len(mix):
            while self._later and self._later[0][0] <= self.frame:
                self._do(heapq.heappop(self._later)[2])
            until = min(len(mix), done + self._later[0][0] - self.frame) if self._later else len(mix)
            for voice in self.voices:
                if not voice.over:
                    voice.add_to(bus[:, done:until])
            self.frame += until - done
            done = until
        if any(voice.over for voice in self.voices):
            self.ended.extend(voice.number for voice in self.voices if voice.over)
            self.voices = [voice for voice in self.voices if not voice.over]
        self._limiter.apply(bus)
        mix[:] = bus.T

    def _ask(self, asked: object) -> None:
        """Do it now, or keep it for its frame."""
        if isinstance(asked, Tempo):
            self._tempo = asked
            self._grid.set(asked, self._clock.frame_of(asked.at, self.frame))
            return
        frame = self._frame_for(asked)
        if frame <= self.frame:
            self._do(asked)
        elif len(self._later) < MAX_LATER or isinstance(asked, Stop):
            self._counted += 1
            heapq.heappush(self._later, (frame, self._counted, asked))
        elif isinstance(asked, Voice):
            self.ended.append(asked.number)

    def _frame_for(self, asked: object) -> int:
        if isinstance(asked, Voice) and asked.after is not None:
            starts = [(self.frame - voice.position, voice) for voice in self.voices]
            starts += [(frame, waiting) for frame, _, waiting in self._later if isinstance(waiting, Voice)]
            ends = [start + len(voice.samples) for start, voice in starts if voice.number == asked.after]
            return max(ends) - asked.overlap if ends else self.frame
        when = getattr(asked, "when", NOW)
        if when == NOW:
            return self.frame
        frame = self.frame if when.at is None else max(self.frame, self._clock.frame_of(when.at, self.frame))
        return self._grid.next(when.quantize, frame) if when.quantize else frame

    def _do(self, asked: object) -> None:
        if isinstance(asked, Voice):
            if asked.when != NOW or asked.after is not None:
                self.began.append(asked.number)
            self.voices.append(asked)
            for voice in self.voices[: max(0, len(self.voices) - MAX_VOICES)]:
                voice.stop(self.frames(LEAST_FADE_MS))
        elif isinstance(asked, Stop):
            for voice in self.voices:
                if asked.voice in (None, voice.number):
                    voice.stop(self.frames(max(asked.fade_ms, LEAST_FADE_MS)))
            self._forget(asked.voice)
        elif isinstance(asked, Change):
            for voice in self.voices:
                if voice.number == asked.voice:
                    self._change(voice, asked)
            for _, _, waiting in self._later:
                if isinstance(waiting, Voice) and waiting.number == asked.voice:
                    self._change(waiting, asked)

    def _forget(self, number: int | None) -> None:
        """What waits for its frame will not be done: all of it, or one voice."""
        kept = []
        for entry in self._later:
            asked = entry[2]
            if number is None or (isinstance(asked, Voice) and asked.number == number):
                if isinstance(asked, Voice):
                    self.ended.append(asked.number)
            else:
                kept.append(entry)
        self._later = kept
        heapq.heapify(self._later)

    def _change(self, voice: Voice, asked: Change) -> None:
        glide = self.frames(max(asked.glide_ms, LEAST_FADE_MS))
        if asked.gain is not None:
            voice.gain.to(asked.gain, glide)
        if asked.pan is not None:
            voice.pan.to(asked.pan, glide)
        if asked.loop is not None:
            voice.loop = asked.loop and len(voice.samples) > 0
