"""Levels of sounds: how loud the loud part is, and the gain that brings a new sound to the level of another one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bridge.audio.stretch import Samples
from bridge.domain.clip import OUTPUT_RATE

Gains = npt.NDArray[np.float64]

BLOCK = OUTPUT_RATE // 50  # frames: 20 ms
LOUD_DB = 20.0  # blocks at most this far below the loudest belong to the loud part
MOST_GAIN_DB = 24.0  # either way: more would deliver the noise of a network
SILENT = 1e-4  # RMS: −80 dBFS
LEAST_GAIN = 1e-6  # of a silent channel: a logarithm needs more than 0


def rms(samples: Samples) -> float:
    """The RMS of all samples of (frames, channels); 0 if there are none."""
    return float(np.sqrt(np.square(samples, dtype=np.float64).mean())) if samples.size else 0.0


def loud_part(samples: Samples) -> npt.NDArray[np.bool_]:
    """Which frames of (frames, channels) belong to the loud part, so that a long silence does not count."""
    if not len(samples):
        return np.zeros(0, np.bool_)
    power = np.square(samples, dtype=np.float64).mean(axis=1)
    starts = np.arange(0, len(power), BLOCK)
    sizes = np.diff(np.append(starts, len(power)))
    blocks = np.add.reduceat(power, starts) / sizes
    return np.repeat(blocks >= blocks.max() * 10 ** (-LOUD_DB / 10), sizes)


def loud_rms(samples: Samples) -> float:
    """The RMS of the loud part; 0 for silence."""
    return rms(samples[loud_part(samples)])


def matching_gains(wanted: Samples, sound: Samples, least: float = SILENT) -> Gains | None:
    """The gain of each channel that gives `sound` the level of `wanted` and its balance, both (frames, channels) of the same stretch
    of time. At most MOST_GAIN_DB either way, or silence for a silent channel. None if one of both has an RMS below `least`."""
    level, own = rms(wanted), rms(sound)
    if level < max(least, SILENT) or own < SILENT:
        return None
    most = 10 ** (MOST_GAIN_DB / 20)
    balance = np.sqrt(np.square(wanted, dtype=np.float64).mean(axis=0)) / level
    own_balance = np.sqrt(np.square(sound, dtype=np.float64).mean(axis=0)) / own
    gains = np.clip(level / own, 1 / most, most) * balance / np.maximum(own_balance, 1 / most)
    return np.asarray(np.clip(gains, LEAST_GAIN, most))


def gains_between(first: Gains, last: Gains, frames: int) -> Gains:
    """Gains that go evenly in dB from `first` to `last`, (channels,) each: (frames, channels), or (channels,) for equal ones."""
    if (first == last).all():
        return first
    part = ((np.arange(frames) + 0.5) / frames)[:, None]
    return np.asarray(first * (last / first) ** part)
