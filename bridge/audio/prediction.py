"""Linear prediction: how a wave goes on for a few hundredths of a second, sample by sample.

J. P. Burg, "Maximum entropy spectral analysis", 37th meeting of the Society of Exploration Geophysicists, 1967. The predictor is
stable, so what it predicts never grows: tones ring on, noise fades.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Wave = npt.NDArray[np.floating[Any]]

ORDER = 1_000  # past samples from which the next is predicted
LISTENED = 8_192  # samples from which the predictor is found: 0.19 s at 44.1 kHz


def ahead(wave: Wave, count: int, order: int = ORDER) -> npt.NDArray[np.float32]:
    """The `count` samples that would follow a wave (samples,), each predicted from `order` before it; silence after silence."""
    part = wave[-LISTENED:].astype(np.float64)
    order = min(order, len(part) // 3)
    if order < 1 or not np.abs(part).max() > 1e-9:
        return np.zeros(count, np.float32)
    weights = burg(part, order)[::-1]
    line = np.concatenate([part[-order:], np.zeros(count)])
    for at in range(order, order + count):
        line[at] = weights @ line[at - order : at]
    return line[order:].astype(np.float32)


def burg(wave: npt.NDArray[np.float64], order: int) -> npt.NDArray[np.float64]:
    """The weights (order,) of the past samples, the newest first."""
    forward, backward = wave[1:].copy(), wave[:-1].copy()
    errors = np.zeros(order + 1)
    errors[0] = 1.0
    for step in range(order):
        power = forward @ forward + backward @ backward
        if not power > 1e-20:
            break
        reflection = -2 * (backward @ forward) / power
        errors[: step + 2] += reflection * errors[: step + 2][::-1].copy()
        forward, backward = (forward + reflection * backward)[1:], (backward + reflection * forward)[:-1]
    return -errors[1:]
