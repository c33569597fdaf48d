"""Bring a tone to its requested pitch: measure it, then play it faster or slower."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import soxr
from numpy.typing import NDArray

from bridge.engine.audioldm2.hearing import HARMONICS

LISTENED = (0.03, 0.9)  # seconds after the attack in which the pitch is measured
SEARCH_CENTS, STEP_CENTS = 90, 1
MAX_PARTIALS = 10
FFT_SIZE = 1 << 17


def measure(wave: NDArray[np.float32], rate: int, near_hz: float, partials: Sequence[float] = HARMONICS) -> float:
    """The pitch in Hz, at most 90 cents from `near_hz`, the pitch that the model should have made; `near_hz` for silence.
    `partials`: multiples of the pitch.

    Harmonic sum: the candidate whose first ten partials have most of the (compressed) spectrum.
    """
    level = np.abs(wave)
    if not level.size or level.max() < 1e-4:
        return near_hz
    start = int(np.argmax(level > 0.1 * level.max()))
    part = wave[start + int(LISTENED[0] * rate) : start + int(LISTENED[1] * rate)]
    if len(part) < 4 * rate / near_hz:
        return near_hz
    part = part[: FFT_SIZE // 2]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), FFT_SIZE)) ** 0.5
    candidates = near_hz * 2 ** (np.arange(-SEARCH_CENTS, SEARCH_CENTS + 1, STEP_CENTS) / 1200)
    numbers = np.array(partials[:MAX_PARTIALS])
    bins = np.outer(candidates, numbers) * FFT_SIZE / rate
    bins = np.minimum(bins, len(spectrum) - 2)
    low = bins.astype(int)
    value = spectrum[low] * (low + 1 - bins) + spectrum[low + 1] * (bins - low)
    return float(candidates[np.argmax((value * 0.85 ** (numbers - 1)).sum(1))])


def retune(wave: NDArray[np.float32], rate: int, from_hz: float, to_hz: float) -> NDArray[np.float32]:
    """`wave` at `to_hz` / `from_hz` times its speed, which also changes its length."""
    if abs(to_hz / from_hz - 1) < 1e-5:
        return wave
    return np.asarray(soxr.resample(wave, rate * to_hz / from_hz, rate, "HQ"), dtype=np.float32)
