"""Voices into one output: gains and pans that glide, fades at every stop, and a limiter that is always on.

Runs inside the audio callback: no allocation worth mentioning, no locks, no exceptions for what can be asked for.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bridge.clip import VOICE_FADE_MS
from bridge.playback import Change, Stop

Samples = npt.NDArray[np.float32]

CEILING = np.float32(10 ** (-1 / 20))  # −1 dBFS: room for the overshoot of the converter, as in the files
RELEASE_DB_PER_S = 200.0
MAX_VOICES = 64  # one more fades the oldest out
LEAST_FADE_MS = VOICE_FADE_MS.low  # shorter is heard as a click


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


@dataclass(slots=True, eq=False)
class Voice:
    """A clip that sounds. `samples`: (frames, channels), at the device's rate."""

    number: int
    samples: Samples
    gain: Glide
    pan: Glide
    loop: bool = False
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

    def add_to(self, mix: Samples) -> None:
        """Add the next frames to (frames, channels)."""
        wanted = len(mix)
        if self.loop:
            places = (self.position + np.arange(wanted)) % len(self.samples)
            piece = self.samples[places]
            self.position = (self.position + wanted) % len(self.samples)
        else:
            piece = self.samples[self.position : self.position + wanted]
            self.position += wanted
        gain, pan, fade = (glide.take(wanted) for glide in (self.gain, self.pan, self.fade))
        level = gain * fade
        whole = len(piece)
        for channel in range(mix.shape[1]):
            source = piece[:, min(channel, piece.shape[1] - 1)]
            # Balance: in the middle both channels are as they are, to a side the other one goes down.
            side = np.minimum(1.0, 1.0 - pan) if channel == 0 else np.minimum(1.0, 1.0 + pan)
            factor = level * (side if mix.shape[1] > 1 else 1.0)
            if isinstance(factor, np.ndarray) and factor.ndim:
                mix[:whole, channel] += source * factor[:whole]
            elif factor == 1.0:
                mix[:whole, channel] += source
            else:
                mix[:whole, channel] += source * np.float32(factor)


class Limiter:
    """Keeps every sample at or below CEILING: down at once, up again by RELEASE_DB_PER_S. What is below is not touched."""

    def __init__(self, sample_rate: int) -> None:
        self._rise = RELEASE_DB_PER_S / sample_rate
        self._reduction = 0.0  # dB, at most 0

    def apply(self, mix: Samples) -> None:
        """Limit (frames, channels) in place. NaN and infinity become silence and the ceiling."""
        np.nan_to_num(mix, copy=False, nan=0.0, posinf=float(CEILING), neginf=-float(CEILING))
        peaks = np.abs(mix).max(axis=1, initial=0.0)
        highest = float(peaks.max(initial=0.0))
        if highest > CEILING * 1.000001 or self._reduction < 0.0:
            steps = self._rise * np.arange(1, len(peaks) + 1)
            wanted = np.minimum(0.0, 20 * np.log10(CEILING / np.maximum(peaks, 1e-9)))
            # Each frame: as low as this one wants, or as the one before let it rise to.
            reduction = np.minimum(np.minimum.accumulate(wanted - steps) + steps, self._reduction + steps)
            np.minimum(reduction, 0.0, out=reduction)
            mix *= (10 ** (reduction / 20)).astype(np.float32)[:, None]
            self._reduction = float(reduction[-1])
        np.clip(mix, -CEILING, CEILING, out=mix)


class Mixer:
    """All voices of one device. Other threads only append to `asked`; `ended` tells which voices are over."""

    def __init__(self, sample_rate: int, channels: int) -> None:
        self.sample_rate, self.channels = sample_rate, channels
        self.asked: deque[object] = deque()
        self.ended: deque[int] = deque()
        self.voices: list[Voice] = []
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
        return Voice(number, samples, Glide(gain), Glide(pan), loop and len(samples) > 0)

    def render(self, mix: Samples) -> None:
        """Fill (frames, channels) with the next sound."""
        mix.fill(0.0)
        while self.asked:
            self._do(self.asked.popleft())
        for voice in self.voices:
            if not voice.over:
                voice.add_to(mix)
        if any(voice.over for voice in self.voices):
            self.ended.extend(voice.number for voice in self.voices if voice.over)
            self.voices = [voice for voice in self.voices if not voice.over]
        self._limiter.apply(mix)

    def _do(self, asked: object) -> None:
        if isinstance(asked, Voice):
            self.voices.append(asked)
            for voice in self.voices[: max(0, len(self.voices) - MAX_VOICES)]:
                voice.stop(self.frames(LEAST_FADE_MS))
        elif isinstance(asked, Stop):
            for voice in self.voices:
                if asked.voice in (None, voice.number):
                    voice.stop(self.frames(max(asked.fade_ms, LEAST_FADE_MS)))
        elif isinstance(asked, Change):
            for voice in self.voices:
                if voice.number == asked.voice:
                    self._change(voice, asked)

    def _change(self, voice: Voice, asked: Change) -> None:
        glide = self.frames(max(asked.glide_ms, LEAST_FADE_MS))
        if asked.gain is not None:
            voice.gain.to(asked.gain, glide)
        if asked.pan is not None:
            voice.pan.to(asked.pan, glide)
        if asked.loop is not None:
            voice.loop = asked.loop and len(voice.samples) > 0
