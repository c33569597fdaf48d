"""A voice of the mixer: its samples, with gliding gain and pan, and fades at every stop."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from bridge.domain.limits import VOICE_FADE_MS
from bridge.player.messages import NOW, When

Samples = npt.NDArray[np.float32]

MIN_FADE_MS = VOICE_FADE_MS.low  # a shorter fade is heard as a click
QUIETER = 0.3  # the level of a hit's end, at most, as a part of its attack's


@dataclass(slots=True, eq=False)
class Glide:
    """A number that moves linearly to a target."""

    now: float
    target: float = 0.0
    remaining: int = 0  # frames until the target

    def to(self, target: float, frames: int) -> None:
        """Reach `target` in `frames` frames."""
        self.target, self.remaining = target, max(1, frames)

    def take(self, frames: int) -> Samples | float:
        """The next `frames` values; a single number if they are all equal."""
        if not self.remaining:
            return self.now
        moving = min(frames, self.remaining)
        step = (self.target - self.now) / self.remaining
        values = np.full(frames, self.target, np.float32)
        values[:moving] = self.now + step * np.arange(1, moving + 1, dtype=np.float32)
        self.remaining -= moving
        self.now = float(values[-1]) if self.remaining else self.target
        return values


def clean(samples: Samples) -> Samples:
    """`samples` as float32, with NaN and infinity set to 0."""
    return np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)


def _level(samples: Samples) -> float:
    return float(np.mean(np.abs(samples), dtype=np.float64))


def fade_ends(samples: Samples, frames: int, same: bool = False) -> None:
    """Fade both ends, in place, so that two clips that overlap by `frames` keep their power there: by a quarter sine, or if they are the
    `same` there by its square."""
    frames = min(frames, len(samples) // 2)
    if frames:
        ramp = np.sin(np.pi / 2 * np.arange(frames, dtype=np.float32) / frames)[:, None]
        ramp = ramp**2 if same else ramp
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
    first: int = 0  # channel of the device
    is_cue: bool = False
    filled: int = -1  # the number of decoded frames; -1: all
    starved: bool = False  # silent until more frames are decoded
    position: int = 0
    fade: Glide = field(default_factory=lambda: Glide(1.0))
    stopping: bool = False
    sounded: bool = False

    @property
    def over(self) -> bool:
        """Whether the voice has ended."""
        return (self.stopping and not self.fade.remaining) or (not self.loop and self.position >= len(self.samples))

    def begin(self) -> None:
        """Fade in if the first frame is in the middle of a sound, as in a loop of rain: the jump would be a click. A hit that
        rings over the end of its loop keeps its attack: it is louder than its end."""
        around = 4 * self.margin
        if self.loop and _level(self.samples[-around:]) > QUIETER * _level(self.samples[:around]):
            self._resume()

    def stop(self, frames: int, done: int = 0) -> None:
        """Fade out in `frames` frames, unless a shorter fade is already running. `done` of them have been mixed already."""
        self.fade.now *= max(0.0, 1.0 - done / frames)
        if not self.stopping or frames - done < self.fade.remaining:
            self.stopping = True
            self.fade.to(0.0, frames - done)
        if self.starved or not self.sounded:
            self.fade.remaining = 0

    def add_to(self, mix: Samples) -> None:
        """Add the next frames to `mix`, (channels, frames)."""
        self.sounded = True
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
        """How many of the next `count` frames are decoded. The voice fades out before it runs dry, and fades in when there are
        more frames."""
        decoded = self.filled - self.position
        if self.starved:
            if decoded < self.margin:
                return 0
            self._resume()
        elif decoded < count + self.margin and not self.stopping:
            count = min(count, decoded)
            self.fade.to(0.0, max(1, min(count, self.margin)))
            self.starved = True
        return min(count, decoded)

    def _resume(self) -> None:
        self.starved = False
        self.fade.now = 0.0
        self.fade.to(1.0, self.margin)

    def _add(self, mix: Samples, piece: Samples) -> None:
        """Add `piece` with as few NumPy calls as possible: at 256 frames per block the calls cost more than the arithmetic."""
        factors: list[Any]
        level: Any
        if len(mix) < piece.shape[1]:  # a device with one channel
            piece = piece.mean(axis=1, keepdims=True)
        if self.gain.remaining or self.pan.remaining or self.fade.remaining:
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
