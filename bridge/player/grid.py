"""Time in frames: which frame of a device belongs to a moment, and where its beats and bars begin."""

from __future__ import annotations

import math

from bridge.domain.tempo import Tempo

# A device asks for frames some tenths of a millisecond early or late; the frames themselves come evenly. So each time
# that it asks moves the line through all of them only a little (a one-pole version of F. Adriaensen, "Using a DLL to
# filter time", LAC 2005). A device whose clock is 100 ppm off is then followed with an error of 2 frames.
SMOOTH = 0.05
OFF_S = 0.05  # so far off the line is a new line: the device stood still, or the machine slept
SAME_BEAT = 1e-6  # beats
OFF_GRID_S = 0.005


class Clock:
    """Frames and seconds of `time.perf_counter`."""

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._origin: float | None = None  # when frame 0 was asked for

    def tick(self, frame: int, at: float) -> None:
        """Frame `frame` is asked for at `at`."""
        origin = at - frame / self._sample_rate
        if self._origin is None or abs(origin - self._origin) > OFF_S:
            self._origin = origin
        else:
            self._origin += SMOOTH * (origin - self._origin)

    def frame_of(self, at: float, now: int) -> int:
        """The frame that is asked for at `at`; `now` while nothing has been asked for."""
        return now if self._origin is None else round((at - self._origin) * self._sample_rate)


class Grid:
    """Beats in frames: from one to the next always the same number, however late a message was."""

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._tempo, self._frame = Tempo(), 0

    def set(self, tempo: Tempo, frame: int) -> None:
        """The beat `tempo.beat` falls on `frame`."""
        self._tempo, self._frame = tempo, frame

    def off(self, frame: int) -> bool:
        """Whether the grid is so far from where it should be, by now, that it must jump."""
        return abs(frame - self._frame) > OFF_GRID_S * self._sample_rate

    def next(self, unit: str, frame: int) -> int:
        """The first frame from `frame` on at which a "beat" or a "bar" begins."""
        tempo, beats = self._tempo, self._tempo.beats_per_bar if unit == "bar" else 1
        frames_per_beat = self._sample_rate * 60 / tempo.bpm
        now = tempo.beat + (frame - self._frame) / frames_per_beat
        beat = math.ceil(now / beats - SAME_BEAT) * beats
        return round(self._frame + (beat - tempo.beat) * frames_per_beat)
