"""The tempo of a sound that somebody wants to be learned, if it has one that can be believed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bridge.audio.beats import measure
from bridge.domain.clip import OUTPUT_RATE
from bridge.engine.audioldm2.encoding import resampled

# From this length on a tempo is looked for, near the usual one, and believed with this confidence.
RHYTHM_S, SURE, USUAL_BPM = 1.9, 0.5, 110.0


def tempo_of(wave: NDArray[np.float32], rate: int) -> float:
    """Beats a minute of a wave (samples,); 0 without a tempo."""
    if len(wave) < RHYTHM_S * rate:
        return 0.0
    beats = measure(resampled(wave, rate, OUTPUT_RATE)[:, None], USUAL_BPM)
    return beats.bpm if beats.confidence >= SURE else 0.0
