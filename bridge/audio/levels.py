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
STEADY_S, STEADY_DB = 2.0, 2.0  # a sound is steady if the halves of its last seconds differ by no more in level
CEILING = 0.99
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


def steady_level(samples: Samples) -> float:
    """The RMS at which a steady sound ends, of its last STEADY_S seconds; 0 if it swells or fades there, or is too short to tell."""
    end = samples[-round(STEADY_S * OUTPUT_RATE) :]
    half = len(end) // 2
    if half < STEADY_S * OUTPUT_RATE / 4:
        return 0.0
    before, after = loud_rms(end[:half]), loud_rms(end[half:])
    is_steady = min(before, after) > SILENT and abs(20 * np.log10(after / before)) <= STEADY_DB
    return loud_rms(end) if is_steady else 0.0


def at_level(samples: Samples, level: float, glide_s: float, most_db: float) -> Samples:
    """A sound brought to the RMS `level`, by at most `most_db` either way and not above full scale. The gain is reached after `glide_s`
    seconds, so that the beginning joins what is before it."""
    now, peak = loud_rms(samples), float(np.abs(samples).max(initial=0.0))
    if not now or not level:
        return samples
    glide = np.clip(np.arange(len(samples)) / (glide_s * OUTPUT_RATE), 0, 1)
    gain_db = float(np.clip(20 * np.log10(level / now), -most_db, most_db))
    if gain_db > 0:
        gain_db = min(gain_db, max(0.0, 20 * np.log10(CEILING / peak)))
    return np.asarray(samples * (10 ** (gain_db * glide / 20))[:, None], np.float32)
