"""How well a loop closes: the change at its seam compared with the changes inside it."""

from __future__ import annotations

import numpy as np

from bridge.audio.beats import HOP, WINDOW
from bridge.audio.stretch import Samples
from bridge.domain.clip import OUTPUT_RATE

HEARING_FLOOR_DB = -80.0  # relative to the loudest bin; quieter bins are inaudible


def seam_score(samples: Samples) -> float:
    """The share of moments inside a loop that change less than its seam: 0 to 1. Up to 0.95 the seam is like any other moment.
    `samples`: (frames, channels) at 48 kHz, of which the worst channel counts; a loop shorter than 0.1 s scores 0.

    The change at a moment is the greatest mean difference, in decibels, between the spectra of neighbouring windows around
    it.
    """
    return max(_of_channel(channel) for channel in samples.T)


def _of_channel(wave: Samples) -> float:
    if len(wave) < 0.1 * OUTPUT_RATE:
        return 0.0
    around = np.concatenate([wave[-WINDOW:], wave, wave[:WINDOW]])  # the seam is at WINDOW
    windows = np.lib.stride_tricks.sliding_window_view(around, WINDOW)[::HOP]
    spectra = np.abs(np.fft.rfft(windows * np.hanning(WINDOW), axis=1))
    levels = 20 * np.log10(np.maximum(spectra, spectra.max(initial=1e-9) * 10 ** (HEARING_FLOOR_DB / 20)))
    changes = np.abs(np.diff(levels, axis=0)).mean(axis=1)
    most = np.lib.stride_tricks.sliding_window_view(changes, WINDOW // HOP).max(axis=1)
    at_the_seam, inside = most[0], most[WINDOW // HOP : -(WINDOW // HOP)]
    return float((inside < at_the_seam).mean()) if len(inside) else 0.0
