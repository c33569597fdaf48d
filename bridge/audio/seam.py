"""How well a loop closes: what changes at its seam against what changes inside it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

WINDOW, HOP = 1_024, 256  # frames at 48 kHz: a click is as long as the window, 21 ms
HEARING_FLOOR_DB = -80.0  # below the loudest bin; what is quieter is not heard


def seam_score(samples: npt.NDArray[np.float32]) -> float:
    """The share of the moments inside a loop at which less changes than at its seam: 0 to 1; up to 0.95 the seam is like any
    other moment of the sound. `samples`: (frames, channels); a loop of less than 0.1 s has no score (0).

    What changes is the mean difference in decibels between the spectra of two neighbouring windows; at a moment it is the
    greatest one of all pairs that the moment lies in.
    """
    mono = samples.mean(axis=1)
    if len(mono) < 0.1 * 48_000:
        return 0.0
    around = np.concatenate([mono[-WINDOW:], mono, mono[:WINDOW]])  # the seam is at WINDOW
    windows = np.lib.stride_tricks.sliding_window_view(around, WINDOW)[::HOP]
    spectra = np.abs(np.fft.rfft(windows * np.hanning(WINDOW), axis=1))
    levels = 20 * np.log10(np.maximum(spectra, spectra.max(initial=1e-9) * 10 ** (HEARING_FLOOR_DB / 20)))
    changes = np.abs(np.diff(levels, axis=0)).mean(axis=1)
    most = np.lib.stride_tricks.sliding_window_view(changes, WINDOW // HOP).max(axis=1)
    at_the_seam, inside = most[0], most[WINDOW // HOP : -(WINDOW // HOP)]
    return float((inside < at_the_seam).mean()) if len(inside) else 0.0
