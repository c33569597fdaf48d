"""Mix voices into one output, each starting at its exact frame, with gliding gains and pans, fades at every stop and a limiter.

Runs inside the audio callback: hardly any allocation, no locks, and no exception for any valid request.
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

CEILING = np.float32(10 ** (-1 / 20))  # −1 dBFS, as in the files: headroom for the converter's overshoot
RELEASE_DB_PER_S = 200.0
MAX_VOICES = 64  # beyond, the oldest one is faded out
MIN_FADE_MS = VOICE_FADE_MS.low  # a shorter fade is heard as a click
MAX_SCHEDULED = 1_000  # scheduled requests


@dataclass(slots=True, eq=False)
class Glide:
    """A number that moves linearly to a target."""

    now: float
    target: float = 0.0
    left: int = 0  # frames until the target

    def to(self, target: float, frames: int) -> None:
        """Reach `target` in `frames` frames."""
        self.target, self.left = target, max(1, frames)

    def take(self, frames: int) -> Samples | float:
        """The next `frames` values; a single number if they are all equal."""
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
    """`samples` as float32, with NaN and infinity set to 0."""
    return np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)


def fade_ends(samples: Samples, frames: int) -> None:
    """Fade both ends by a quarter sine, in place: two clips that overlap by `frames` keep their power."""
    frames = min(frames, len(samples) // 2)
    if frames:
        ramp = np.sin(np.pi / 2 * np.arange(frames, dtype=np.float32) / frames)[:, None]
        samples[:frames] *= ramp
        samples[-frames:] *= ramp[::-1]


@dataclass(slots=True, eq=False)
class Voice:
    """A clip that is playing or scheduled: at `when`, or `overlap` frames before the end of the voice `after`. `samples`:
    (frames, channels) at the device's rate."""

    number: int
    samples: Samples
    gain: Glide
    pan: Glide
    loop: bool = False
    when: When = NOW
    after: int | None = None
    overlap: int = 0
    margin: int = 240  # frames of the shortest fade
    filled: int = -1  # number of frames already decoded; -1: all
    starved: bool = False  # silent until more frames are decoded
    position: int = 0
    fade: Glide = field(default_factory=lambda: Glide(1.0))
    stopping: bool = False

    @property
    def over(self) -> bool:
        """Whether the voice has ended."""
        return (self.stopping and not self.fade.left) or (not self.loop and self.position >= len(self.samples))

    def stop(self, frames: int) -> None:
        """Fade out in `frames` frames, unless a shorter fade is already running."""
        if not self.stopping or frames < self.fade.left:
            self.stopping = True
            self.fade.to(0.0, frames)
        if self.starved:
            self.fade.left = 0

    def add_to(self, mix: Samples) -> None:
        """Add the next frames to `mix`, (channels, frames)."""
        count, length = mix.shape[1], len(self.samples)
        if 0 <= self.filled < length:
            count = self._playable(count)
            mix = mix[:, :count]
        elif self.starved:
            self._resume()
        if self.loop and length < count:
            self._add(mix, self.samples[(self.position + np.arange(count)) % length])
            self.position = (self.position + count) % length
            return
        done = 0
        while done < count and self.position < length:
            piece = self.samples[self.position : self.position + count - done]
            self._add(mix[:, done : done + len(piece)], piece)
            self.position += len(piece)
            done += len(piece)
            if self.loop and self.position == length:
                self.position = 0

    def _playable(self, count: int) -> int:
        """The number of the next `count` frames that are decoded and can be played. The voice fades out before it runs dry,
        and fades in again when there are more frames."""
        left = self.filled - self.position
        if self.starved:
            if left < self.margin:
                return 0
            self._resume()
        elif left < count + self.margin and not self.stopping:
            count = min(count, left)
            self.fade.to(0.0, max(1, min(count, self.margin)))
            self.starved = True
        return min(count, left)

    def _resume(self) -> None:
        self.starved = False
        self.fade.now = 0.0
        self.fade.to(1.0, self.margin)

    def _add(self, mix: Samples, piece: Samples) -> None:
        """Add `piece` with as few NumPy calls as possible: at 256 frames per block the calls cost more than the arithmetic."""
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
        # Balance: in the middle both channels are unchanged; panning to one side lowers the other.
        for channel in range(len(mix)):
            source = piece[:, min(channel, piece.shape[1] - 1)]
            mix[channel] += source * (factors[channel] if len(mix) > 1 else level)


class Limiter:
    """Keeps every sample at or below CEILING: instant attack, release of RELEASE_DB_PER_S. Quieter sound is not changed."""

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
            needed = np.minimum(0.0, 20 * np.log10(CEILING / np.maximum(peaks, 1e-9)))
            # Per frame: the gain that it needs, or the released gain of the frame before, whichever is lower.
            reduction = np.minimum(np.minimum.accumulate(needed - steps) + steps, self._reduction + steps)
            np.minimum(reduction, 0.0, out=reduction)
            mix *= (10 ** (reduction / 20)).astype(np.float32)
            self._reduction = float(reduction[-1])
        np.clip(mix, -CEILING, CEILING, out=mix)


class Mixer:
    """All voices of one device. Other threads only append to `requests`: a Voice, Stop, Change or Tempo. `began` lists
    scheduled voices that have started, `ended` voices that are over."""

    def __init__(self, sample_rate: int, channels: int) -> None:
        self.sample_rate, self.channels = sample_rate, channels
        self.requests: deque[object] = deque()
        self.began: deque[int] = deque()
        self.ended: deque[int] = deque()
        self.voices: list[Voice] = []
        self.frame = 0  # the next one to render
        self._scheduled: list[tuple[int, int, object]] = []  # a heap by frame, then by order of request
        self._count = 0
        self._clock = Clock(sample_rate)
        self._grid = Grid(sample_rate)
        self._tempo: Tempo | None = None
        self._limiter = Limiter(sample_rate)

    def frames(self, milliseconds: float) -> int:
        """Milliseconds in frames of the device."""
        return round(milliseconds / 1000 * self.sample_rate)

    def voice(self, number: int, samples: Samples, gain: float = 1.0, pan: float = 0.0, loop: bool = False) -> Voice:
        """A new voice, not playing yet. `samples`: (frames, channels) at this mixer's rate; NaN and infinity become 0."""
        return self.cleaned_voice(number, clean(samples), gain, pan, loop)

    def cleaned_voice(
        self, number: int, samples: Samples, gain: float = 1.0, pan: float = 0.0, loop: bool = False
    ) -> Voice:
        """As `voice`, for samples that are clean already: takes no time."""
        voice = Voice(number, samples, Glide(gain), Glide(pan), loop and len(samples) > 0)
        voice.margin = self.frames(MIN_FADE_MS)
        return voice

    def render(self, mix: Samples, at: float | None = None) -> None:
        """Fill `mix`, (frames, channels). `at`: the time of the request, in seconds of `time.perf_counter`."""
        if at is not None:
            self._clock.tick(self.frame, at)
            # The device's clock differs from the machine's, and the device may have stopped for a while.
            if self._tempo is not None and self._grid.has_drifted(
                frame := self._clock.frame_of(self._tempo.at, self.frame)
            ):
                self._grid.set(self._tempo, frame)
        bus = np.zeros((self.channels, len(mix)), np.float32)  # a row per channel is twice as fast as a row per frame
        while self.requests:
            self._accept(self.requests.popleft())
        done = 0
        while done < len(mix):
            while self._scheduled and self._scheduled[0][0] <= self.frame:
                self._apply(heapq.heappop(self._scheduled)[2])
            until = min(len(mix), done + self._scheduled[0][0] - self.frame) if self._scheduled else len(mix)
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

    def _accept(self, request: object) -> None:
        """Apply a request now, or schedule it for its frame."""
        if isinstance(request, Tempo):
            self._tempo = request
            self._grid.set(request, self._clock.frame_of(request.at, self.frame))
            return
        frame = self._frame_for(request)
        if frame <= self.frame:
            self._apply(request)
        elif len(self._scheduled) < MAX_SCHEDULED or isinstance(request, Stop):
            self._count += 1
            heapq.heappush(self._scheduled, (frame, self._count, request))
        elif isinstance(request, Voice):
            self.ended.append(request.number)

    def _frame_for(self, request: object) -> int:
        if isinstance(request, Voice) and request.after is not None:
            starts = [(self.frame - voice.position, voice) for voice in self.voices]
            starts += [(frame, waiting) for frame, _, waiting in self._scheduled if isinstance(waiting, Voice)]
            ends = [start + len(voice.samples) for start, voice in starts if voice.number == request.after]
            return max(ends) - request.overlap if ends else self.frame
        when = getattr(request, "when", NOW)
        if when == NOW:
            return self.frame
        frame = self.frame if when.at is None else max(self.frame, self._clock.frame_of(when.at, self.frame))
        return self._grid.next(when.quantize, frame) if when.quantize else frame

    def _apply(self, request: object) -> None:
        if isinstance(request, Voice):
            if request.when != NOW or request.after is not None:
                self.began.append(request.number)
            self.voices.append(request)
            for voice in self.voices[: max(0, len(self.voices) - MAX_VOICES)]:
                voice.stop(self.frames(MIN_FADE_MS))
        elif isinstance(request, Stop):
            for voice in self.voices:
                if request.voice in (None, voice.number):
                    voice.stop(self.frames(max(request.fade_ms, MIN_FADE_MS)))
            self._forget(request.voice)
        elif isinstance(request, Change):
            for voice in self.voices:
                if voice.number == request.voice:
                    self._change(voice, request)
            for _, _, waiting in self._scheduled:
                if isinstance(waiting, Voice) and waiting.number == request.voice:
                    self._change(waiting, request)

    def _forget(self, number: int | None) -> None:
        """Drop scheduled requests: all of them, or one voice."""
        remaining = []
        for entry in self._scheduled:
            request = entry[2]
            if number is None or (isinstance(request, Voice) and request.number == number):
                if isinstance(request, Voice):
                    self.ended.append(request.number)
            else:
                remaining.append(entry)
        self._scheduled = remaining
        heapq.heapify(self._scheduled)

    def _change(self, voice: Voice, request: Change) -> None:
        glide = self.frames(max(request.glide_ms, MIN_FADE_MS))
        if request.gain is not None:
            voice.gain.to(request.gain, glide)
        if request.pan is not None:
            voice.pan.to(request.pan, glide)
        if request.loop is not None:
            voice.loop = request.loop and len(voice.samples) > 0
