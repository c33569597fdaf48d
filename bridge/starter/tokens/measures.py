"""Measures of what a model of tokens makes, on spectrograms (frames, bands) of 5.8 ms a frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Mel = NDArray[np.float32]

NEAR_FRAMES = 8  # 46 ms: onsets this close to each other are the same one
APART_FRAMES = 8
LOUD = 0.35  # of the strongest rises (98th percentile)
SMOOTHED_FRAMES = 14


def rises(mel: Mel) -> NDArray[np.float64]:
    """How much louder each frame is than the one before it, in the mean of all bands."""
    return np.clip(np.diff(mel, axis=0, prepend=mel[:1]), 0, None).mean(1).astype(np.float64)


def onsets(mel: Mel) -> list[int]:
    """The frames in which something begins."""
    rise = np.convolve(rises(mel), np.ones(3), "same")
    loud = LOUD * np.percentile(rise, 98)
    found: list[int] = []
    for frame in range(1, len(rise) - 1):
        around = rise[max(0, frame - 6) : frame + 7]
        if rise[frame] >= max(loud, around.max()) and (not found or frame - found[-1] > APART_FRAMES):
            found.append(frame)
    return found


def onset_f(made: Mel, true: Mel) -> float:
    """The F measure of the onsets of one against those of the other, 0 to 1."""
    ours, theirs = onsets(made), onsets(true)
    left, right = list(theirs), 0
    for onset in ours:
        near = [other for other in left if abs(other - onset) <= NEAR_FRAMES]
        if near:
            left.remove(min(near, key=lambda other: abs(other - onset)))
            right += 1
    return 2 * right / (len(ours) + len(theirs)) if ours and theirs else 0.0


def phase(made: Mel, true: Mel) -> float:
    """The correlation of the smoothed rises: 1 for the same rhythm, 0 by chance."""
    shape = np.hanning(SMOOTHED_FRAMES + 2)[1:-1]
    ours, theirs = (np.convolve(rises(mel), shape / shape.sum(), "same") for mel in (made, true))
    ours, theirs = ours - ours.mean(), theirs - theirs.mean()
    return float(ours @ theirs / (np.sqrt((ours @ ours) * (theirs @ theirs)) + 1e-9))
