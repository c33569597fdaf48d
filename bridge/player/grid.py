"""Time in frames: the frame of a device at a given time, and the frames at which beats and bars begin."""

from __future__ import annotations

import math

from bridge.domain.tempo import Tempo

# A device requests frames some tenths of a millisecond early or late, but plays them evenly. So each request moves the
# estimate only a little (a one-pole version of F. Adriaensen, "Using a DLL to filter time", LAC 2005). A device whose clock
# is 100 ppm off is then followed with an error of 2 frames.
SMOOTHING = 0.05
RESET_S = 0.05  # start a new estimate if a request is this far off: the device stopped, or the machine slept
SAME_BEAT = 1e-6  # beats
MAX_DRIFT_S = 0.005


class Clock:
    """Converts times of `time.perf_counter` to frames of a device."""

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._origin: float | None = None  # the estimated time of frame 0

    def tick(self, frame: int, at: float) -> None:
        """Note that the device requests `frame` at the time `at`."""
        origin = at - frame / self._sample_rate
        if self._origin is None or abs(origin - self._origin) > RESET_S:
            self._origin = origin
        else:
            self._origin += SMOOTHING * (origin - self._origin)

    def frame_of(self, at: float, now: int) -> int:
        """The frame that is requested at the time `at`; `now` before the first request."""
        return now if self._origin is None else round((at - self._origin) * self._sample_rate)


class Grid:
    """Beats in frames, evenly spaced however late tempo messages arrive."""

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._tempo, self._frame = Tempo(), 0

    def set(self, tempo: Tempo, frame: int) -> None:
        """Set the tempo, with `tempo.beat` on `frame`."""
        self._tempo, self._frame = tempo, frame

    def has_drifted(self, frame: int) -> bool:
        """Whether the grid has drifted from `frame`, where its beat should be, by more than MAX_DRIFT_S."""
        return abs(frame - self._frame) > MAX_DRIFT_S * self._sample_rate

    def next(self, unit: str, frame: int) -> int:
        """The first frame at or after `frame` at which a "beat" or "bar" (`unit`) begins."""
        tempo, beats = self._tempo, self._tempo.beats_per_bar if unit == "bar" else 1
        frames_per_beat = self._sample_rate * 60 / tempo.bpm
        now = tempo.beat + (frame - self._frame) / frames_per_beat
        beat = math.ceil(now / beats - SAME_BEAT) * beats
        return round(self._frame + (beat - tempo.beat) * frames_per_beat)
