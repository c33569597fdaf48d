"""Samples on their way to the mixer: a file that NumPy wrote, at the rate of the device."""

from __future__ import annotations

import numpy as np
import soxr

from bridge.audio.shape import around
from bridge.player.mixer import Samples


def read(file: str, sample_rate: int, wanted_rate: int, loop: bool = False) -> Samples:
    """(frames, channels) at `wanted_rate` Hz; what is to loop is resampled as a circle. Raises OSError, ValueError."""
    samples: Samples = np.load(file, allow_pickle=False)
    if sample_rate == wanted_rate:
        return samples
    if loop and len(samples):
        return around(samples, round(len(samples) * wanted_rate / sample_rate))
    return soxr.resample(samples, sample_rate, wanted_rate, "HQ")
