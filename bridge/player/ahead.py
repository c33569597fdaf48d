"""Mix ahead of the device, on a thread of its own.

A device takes a block at a time. Mixing the next one whole as soon as there is room would add a block of latency, and mixing it at
the last moment would make a sound as late as its press was early in the block. So frames are mixed evenly, in small pieces, by the
device's pace: each piece is finished MARGIN_S before the device may take its last frame. A press is heard after one block and that
margin, always; within the margin this thread may be late.
"""

from __future__ import annotations

import math
import threading
import time
from typing import Protocol

import numpy as np

from bridge.player.mixer import Mixer
from bridge.player.pace import Pace
from bridge.player.ring import Ring
from bridge.player.voice import Samples
from bridge.system import portable

MARGIN_S = 0.0055  # 3 ms was too little for one block in 90 s beside a generation; more would be felt
PIECE_S = 0.0015
MOST_FRAMES = 4_096  # at a time, when what was missed is made up for
MOST_FAULTS = 10
HANDS_OFF_S = 0.001  # before the device takes a block, nothing in it is changed
START_S = 0.0005  # between looks for the first block that the device takes


class Reader(Protocol):
    """What takes the frames of a ring: C, or Python where there is no C."""

    @property
    def taken(self) -> int:
        """The number of frames that the device has taken."""

    def free(self) -> None:
        """Make the frames that the device has taken silent, so that the ring can go on with them."""


class Ahead:
    """`run` mixes until `end`. `late`: blocks of which the device took a part before it was mixed, and played silence instead.
    `faults`: exceptions of the mixer."""

    def __init__(self, mixer: Mixer, ring: Ring, reader: Reader) -> None:
        self._mixer, self._ring, self._reader = mixer, ring, reader
        self._pace = Pace(mixer.sample_rate)
        self._margin, self._piece = mixer.frames(1000 * MARGIN_S), mixer.frames(1000 * PIECE_S)
        self._frame = 0  # the next one to mix
        self._ending = threading.Event()
        self.late = 0
        self.faults: list[Exception] = []
        mixer.fade_mixed = self._fade_mixed

    @property
    def ahead_frames(self) -> int:
        """Frames from the arrival of a request to when the device takes its first frame, at most."""
        return self._pace.block + self._margin + self._piece

    def end(self) -> None:
        """Let `run` return soon."""
        self._ending.set()

    def run(self) -> None:
        """Mix, on a thread with a high priority."""
        portable.raise_thread_priority()
        while not self._ending.is_set():
            block = self._pace.block
            now = self._look()
            if self._pace.is_known:
                self._mix(now, block or self._pace.block)
            self._reader.free()
            time.sleep(max(0.0, self._next(now) - time.perf_counter()))

    def _look(self) -> float:
        before = time.perf_counter()
        taken, known = self._reader.taken, self._pace.is_known
        now = time.perf_counter()
        self._pace.look(before, taken, now)
        if self._pace.is_known and not known:
            self._frame = self._due(now)
        return now

    def _due(self, now: float) -> int:
        """The frame until which everything should be mixed now."""
        return math.ceil(self._pace.frame_at(now)) + self._margin

    def _next(self, now: float) -> float:
        if not self._pace.is_known:
            return now + START_S
        return min(self._pace.time_of(self._frame - self._margin), self._pace.next_look(now))

    def _mix(self, now: float, block: int) -> None:
        """Mix what is due, and a piece more. `block`: frames that the device took at once before."""
        due, missed = self._due(now), None
        while self._frame <= due:
            first, taken = self._frame, self._reader.taken
            count = self._piece if first >= taken else min(due - first + self._piece, MOST_FRAMES)
            samples = self._mixed(first, count)
            self._frame = first + count
            gone = min(count, max(0, taken - first))  # the device was silent instead
            self._ring.put(first + gone, samples[gone:])
            if missed is None and self._reader.taken > first:
                missed = first
        if missed is not None:
            self.late += math.ceil((self._reader.taken - missed) / block)

    def _mixed(self, first: int, count: int) -> Samples:
        samples = np.zeros((count, self._mixer.channels), np.float32)
        try:
            self._mixer.render(samples, self._pace.time_of(first - self._margin))
        except Exception as error:  # noqa: BLE001 - be silent and report it later: an exception here would end the thread
            samples.fill(0.0)
            if len(self.faults) < MOST_FAULTS:
                self.faults.append(error)
        return samples

    def _fade_mixed(self, frames: int) -> int:
        """Fade out what is mixed and the device has not taken yet. Returns how many frames of the fade that covers."""
        first = self._reader.taken
        if self._pace.next_take() - time.perf_counter() < HANDS_OFF_S:
            first += self._pace.block
        self._ring.fade_out(first, self._frame, frames)
        return max(0, self._frame - first)
