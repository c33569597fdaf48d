"""Measures of rhythms: the tempo, from the bar that comes again, and how near the hits are to the grid. Waves are mono at 44.1 kHz."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from bridge.starter.sounds.parts import SAMPLE_RATE, Wave

STRIDE = 64  # samples between values of the envelope: 1.5 ms
BANDS_HZ = ((30.0, 150.0), (150.0, 1_200.0), (1_200.0, 5_000.0), (5_000.0, 16_000.0))
SMOOTH_S = 0.004
SEARCH = 0.04  # share of the tempo by which it is searched on each side
WINDOW = 512  # samples
EDGES = np.array([0, 2, 4, 8, 16, 32, 64, 128, 256])  # bins at which bands begin
AHEAD = 6  # frames over which a rise is measured: 9 ms
HELD = 17  # frames, 25 ms: a rise counts from the highest level in them, or each period of a bass would be a hit
DEEPEST_DB = 45.0  # below a band's loudest moment; what is softer does not rise
# The smallest rise that counts as an onset: as a share of the greatest one, and in decibels.
LOUD, LEAST_DB = 0.3, 3.0
APART = 20  # frames between two onsets: 29 ms
GRID_COUNTS = 0.5  # how much the sixteenths of a tempo count beside the likeness of bars
SOFTEST_S = 0.015  # from the beginning of a soft attack to the middle of its rise: that of a shaker
BEATS_PER_BAR = 4


def rises(wave: Wave) -> NDArray[np.float64]:
    """How fast the level rises, (bands, moments), a moment every STRIDE samples; each band's greatest rise is 1."""
    rows = []
    for low, high in BANDS_HZ:
        band = sosfiltfilt(butter(2, (low, high), "bandpass", fs=SAMPLE_RATE, output="sos"), wave)
        width = max(STRIDE, round(max(SMOOTH_S, 0.5 / low) * SAMPLE_RATE))
        level = np.sqrt(np.convolve(band**2, np.hanning(width) / (width / 2), "same")[::STRIDE] + 1e-12)
        compressed = level**0.5
        rise = np.clip(np.diff(compressed, prepend=compressed[0]), 0, None)
        rows.append(rise / (rise.max() + 1e-12))
    return np.array(rows)


def tempo_bpm(wave: Wave, near_bpm: float) -> float:
    """The tempo of a wave of at least two bars, within SEARCH of `near_bpm`: the lag of a bar at which it resembles itself most."""
    envelope = _smooth(rises(wave).sum(0), 5)
    envelope = envelope - envelope.mean()
    bar = BEATS_PER_BAR * 60 / near_bpm * SAMPLE_RATE / STRIDE
    lags = np.arange(int(bar * (1 - SEARCH)), int(bar * (1 + SEARCH)) + 2)
    lags = lags[lags < len(envelope) - 8]
    likeness = np.array([float(envelope[lag:] @ envelope[:-lag]) / (len(envelope) - lag) for lag in lags])
    # Bars of different chords resemble each other little: what is on the sixteenths of a tempo counts, too.
    times = np.arange(len(envelope))
    sixteenths = np.exp(2j * np.pi * 4 * BEATS_PER_BAR * times[None] / lags[:, None])
    likeness = likeness / (likeness.max() + 1e-12) + GRID_COUNTS * np.abs(sixteenths @ envelope) / (
        np.abs(envelope).sum() + 1e-12
    )
    best = int(np.argmax(likeness))
    offset = 0.0
    if 0 < best < len(lags) - 1:
        before, at, after = likeness[best - 1 : best + 2]
        offset = 0.5 * (before - after) / (before - 2 * at + after - 1e-12)
    return float(BEATS_PER_BAR * 60 * SAMPLE_RATE / STRIDE / (lags[best] + offset))


def onsets_s(wave: Wave) -> NDArray[np.float64]:
    """The times in seconds at which a hit begins: where the level of many bands rises at once, in the middle of the rise."""
    power = np.abs(np.fft.rfft(_framed(wave) * np.hanning(WINDOW))) ** 2
    bands = np.add.reduceat(power, EDGES, axis=1)[:, :-1]
    level = 10 * np.log10(bands + bands.max(0) * 10 ** (-DEEPEST_DB / 10) + 1e-12)
    quiet = np.pad(level, ((HELD - 1, 0), (0, 0)), mode="edge")
    before = np.lib.stride_tricks.sliding_window_view(quiet, HELD, axis=0).max(-1)
    change = level[AHEAD:] - before[:-AHEAD]
    loudness = bands.sum(0) ** 0.3
    rise = _smooth((np.clip(change, 0, None) * loudness).sum(1) / loudness.sum(), 7)
    most = np.lib.stride_tricks.sliding_window_view(np.pad(rise, APART, mode="constant"), 2 * APART + 1).max(1)
    peaks = np.flatnonzero((rise == most) & (rise > max(LEAST_DB, LOUD * rise.max())))
    return np.asarray((peaks + AHEAD / 2) * STRIDE / SAMPLE_RATE)


def _framed(wave: Wave) -> NDArray[np.float64]:
    """Frames of WINDOW samples; the middle of frame k is sample k * STRIDE."""
    padded = np.pad(np.asarray(wave, dtype=np.float64), WINDOW // 2)
    return np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::STRIDE]


def share_on_grid(wave: Wave, bpm: float, within_s: float = 0.010, per_beat: int = 4) -> float:
    """The share of the onsets that lie within `within_s` of a sixteenth (`per_beat` of them a beat) counted from the beginning; 0 for
    fewer than two. A soft attack is heard after it begins: by how much most of them are late, up to SOFTEST_S, is taken off."""
    times = onsets_s(wave)
    if len(times) < 2:
        return 0.0
    step = 60 / bpm / per_beat
    off = (times + step / 2) % step - step / 2
    late = float(np.clip(np.median(off), 0.0, SOFTEST_S))
    return float((np.abs(off - late) <= within_s).mean())


def _smooth(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    return np.convolve(values, np.hanning(width + 2)[1:-1] / np.hanning(width + 2).sum(), "same")
