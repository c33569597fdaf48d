"""Where the hits of a rhythm are in time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bridge.starter.rhythms.pattern import BARS, BEATS_PER_BAR, Hit, swung

Seconds = NDArray[np.float64]


def grid_seconds(bpm: float, swing: float, seconds: float, eighths: bool = False) -> Seconds:
    """The times of the sixteenths in a clip of `seconds` that begins with a bar. `swing`: 0 (straight) to 1 (triplets), of the
    `eighths` or of the sixteenths."""
    count = int(np.ceil(seconds * bpm / 60 * 4)) + 1
    times = np.array([swung(step / 4, swing, eighths) for step in range(count)]) * 60 / bpm
    return times[times < seconds]


def hit_seconds(hits: list[Hit], bpm: float, seconds: float) -> Seconds:
    """The times at which the hits of a form begin in a clip of `seconds`, each once, in order; the form is repeated."""
    turns = int(np.ceil(seconds * bpm / 60 / (BARS * BEATS_PER_BAR))) + 1
    beats = {round(hit.beat + turn * BARS * BEATS_PER_BAR, 6) for hit in hits for turn in range(turns)}
    times = np.array(sorted(beats)) * 60 / bpm
    return times[times < seconds]
