"""Read samples for the mixer from a file that NumPy wrote, at the device's rate."""

from __future__ import annotations

import numpy as np
import soxr

from bridge.audio.shape import resample_loop
from bridge.player.voice import Samples


def read(file: str, sample_rate: int, device_rate: int, loop: bool = False) -> Samples:
    """(frames, channels) at `device_rate` Hz, resampled from `sample_rate`; a `loop` is resampled as a circle. Raises OSError or
    ValueError."""
    samples: Samples = np.load(file, allow_pickle=False)
    if sample_rate == device_rate:
        return samples
    if loop and len(samples):
        return resample_loop(samples, round(len(samples) * device_rate / sample_rate))
    return soxr.resample(samples, sample_rate, device_rate, "HQ")
