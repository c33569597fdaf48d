"""Sounds without a beginning and an end: their last sample is followed by their first."""

from __future__ import annotations

import numpy as np
import soxr

from bridge.starter.catalogue import at_peak
from bridge.starter.sounds.parts import SAMPLE_RATE, Attributes, Wave
from bridge.starter.sounds.sound import Sound

BEFORE_S, AFTER_S = 0.8, 0.9  # what swells, and what is released, is cut off
FADE_S = 0.12
LONGEST_PERIOD = 420  # samples: a little more than those of a C3


def make(rng: np.random.Generator, sound: Sound, attributes: Attributes, n: int) -> Wave:
    """`n` samples of a rhythm with whole bars, or of a steady sound, its peak at 0.89."""
    if sound.ring is not None:
        return at_peak(sound.ring(rng, attributes, n))
    before, after, fade = (round(seconds * SAMPLE_RATE) for seconds in (BEFORE_S, AFTER_S, FADE_S))
    wave = sound.make(rng, attributes, before + n + 2 * LONGEST_PERIOD + fade + after)
    return at_peak(closed(wave[before : before + n + 2 * LONGEST_PERIOD + fade], n, fade))


def closed(wave: Wave, n: int, fade: int) -> Wave:
    """A ring of `n` samples from a steady wave of at least n + LONGEST_PERIOD + `fade`. A tone gets whole periods: it is played faster or
    slower by what is missing, and its end is faded into its beginning."""
    start = wave[:fade]
    lags = np.arange(n - LONGEST_PERIOD, n + LONGEST_PERIOD)
    likeness = np.array([float(start @ wave[lag : lag + fade]) for lag in lags])
    period = int(lags[int(np.argmax(likeness))])
    ramp = np.linspace(0, 1, fade, dtype=np.float32)
    ring = wave[:period].copy()
    ring[:fade] = ring[:fade] * ramp + wave[period : period + fade] * (1 - ramp)
    if period == n:
        return ring
    around = np.concatenate([ring[-fade:], ring, ring[:fade]])
    played = soxr.resample(around, period, n, "HQ")
    skipped = round(fade * n / period)
    return np.asarray(played[skipped : skipped + n], dtype=np.float32)
