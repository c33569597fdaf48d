"""Tell a hit from what already sounds when it begins: a pad under it, the tail of the hit before."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bridge.audio.beats import Curve
from bridge.audio.stretch import Samples

WINDOW_S, TURNS = 0.04, 4  # of the spectra; hops in a window
SUSTAINED_PERCENT = 10  # of the time a sustained sound may be quieter
LOUDER = 1.5  # a bin up to this much louder than before the hit is still what went on there


def window_of(rate: int) -> int:
    """The frames of a window at `rate`."""
    return TURNS * round(WINDOW_S * rate / TURNS)


def sustained(wave: Samples, rate: int) -> Curve:
    """The magnitude of each bin of a wave (frames,) that is exceeded nearly all the time: of a rhythm with pauses, about 0."""
    window = window_of(rate)
    if len(wave) < window:
        return np.zeros(window // 2 + 1)
    return np.asarray(np.percentile(np.abs(_spectra(wave, window)), SUSTAINED_PERCENT, axis=0))


def going_on(wave: Samples, rate: int, always: Curve) -> Samples:
    """The part of a wave (frames,) that already sounds in the window before frame 2 × `window_of(rate)`, or `always`."""
    window = window_of(rate)
    hop, shape = window // TURNS, _shape(window)
    spectra = _spectra(np.pad(wave, (0, window)), window)
    magnitude = np.abs(spectra)
    before = magnitude[TURNS - 1 : TURNS + 1].max(axis=0)  # the last two windows that end before that frame
    limit = LOUDER * np.maximum(before, always)
    new = np.sqrt(np.maximum(0.0, 1 - np.square(limit / np.maximum(magnitude, 1e-9))))
    parts = np.fft.irfft(spectra * (1 - new), window).astype(np.float32) * shape
    out = np.zeros(len(wave) + 2 * window, np.float32)
    for number, part in enumerate(parts):
        out[number * hop : number * hop + window] += part
    return out[: len(wave)] * np.float32(2 / TURNS)


def _spectra(wave: Samples, window: int) -> npt.NDArray[np.complex64]:
    frames = np.lib.stride_tricks.sliding_window_view(wave, window)[:: window // TURNS]
    return np.fft.rfft(frames * _shape(window)).astype(np.complex64)


def _shape(window: int) -> Samples:
    """The square root of a Hann window: applied twice, windows a quarter apart sum to TURNS / 2."""
    return np.sqrt(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)).astype(np.float32)
