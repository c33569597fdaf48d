"""A ring of frames between the mixer and the device: the device takes them one after the other, at its own pace."""

from __future__ import annotations

import numpy as np

from bridge.player.voice import Samples

FRAMES = 1 << 18  # 5.5 s at 48 kHz, a power of two; a mixer that is late by more than that is given up


class Ring:
    """Frames by number, from the first that the device took on. Where nothing was put they are silent: the device is never without
    frames, and a frame that came late is not played later, but dropped. `memory`: (FRAMES, channels)."""

    def __init__(self, channels: int) -> None:
        self.memory = np.empty((FRAMES, channels), np.float32)
        self.memory.fill(
            0.0
        )  # by hand: a page of zeros that nobody has touched would be fetched when the device reads it

    def put(self, first: int, samples: Samples) -> None:
        """Put (frames, channels) samples at the frame `first`."""
        done = 0
        for part in self._parts(first, first + len(samples)):
            part[:] = samples[done : done + len(part)]
            done += len(part)

    def get(self, first: int, samples: Samples) -> None:
        """Copy the frames from `first` on to (frames, channels) `samples`."""
        np.concatenate(self._parts(first, first + len(samples)), out=samples)

    def silence(self, first: int, until: int) -> None:
        """Make the frames from `first` to `until` silent."""
        for part in self._parts(first, until):
            part.fill(0.0)

    def fade_out(self, first: int, until: int, frames: int) -> None:
        """Fade out within `frames` frames from `first` on, and be silent from there to `until`."""
        ramp = np.maximum(0.0, 1.0 - np.arange(1, until - first + 1, dtype=np.float32) / frames)[:, None]
        done = 0
        for part in self._parts(first, until):
            part *= ramp[done : done + len(part)]
            done += len(part)

    def _parts(self, first: int, until: int) -> list[Samples]:
        """The one or two parts of the memory that hold these frames, at most FRAMES of them."""
        if until <= first:
            return []
        start, count = first % FRAMES, min(until - first, FRAMES)
        head = self.memory[start : start + count]
        return [head] if len(head) == count else [head, self.memory[: count - len(head)]]
