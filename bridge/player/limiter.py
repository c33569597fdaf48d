"""The limiter after the mix."""

from __future__ import annotations

import numpy as np

from bridge.player.voice import Samples

CEILING = np.float32(10 ** (-1 / 20))  # −1 dBFS, as in the files: headroom for the converter's overshoot
RELEASE_DB_PER_S = 200.0


class Limiter:
    """Keeps every sample at or below CEILING: instant attack, release of RELEASE_DB_PER_S. Quieter sound is not changed."""

    def __init__(self, sample_rate: int) -> None:
        self._rise = RELEASE_DB_PER_S / sample_rate
        self._reduction = 0.0  # dB, at most 0

    def apply(self, mix: Samples) -> None:
        """Limit (channels, frames) in place. NaN and infinity become silence and the ceiling."""
        np.nan_to_num(mix, copy=False, nan=0.0, posinf=float(CEILING), neginf=-float(CEILING))
        peaks = np.abs(mix).max(axis=0, initial=0.0)
        highest = float(peaks.max(initial=0.0))
        if highest > CEILING * 1.000001 or self._reduction < 0.0:
            steps = self._rise * np.arange(1, len(peaks) + 1)
            needed = np.minimum(0.0, 20 * np.log10(CEILING / np.maximum(peaks, 1e-9)))
            # Per frame: the gain that it needs, or the released gain of the frame before, whichever is lower.
            reduction = np.minimum(np.minimum.accumulate(needed - steps) + steps, self._reduction + steps)
            np.minimum(reduction, 0.0, out=reduction)
            mix *= (10 ** (reduction / 20)).astype(np.float32)
            self._reduction = float(reduction[-1])
        np.clip(mix, -CEILING, CEILING, out=mix)
