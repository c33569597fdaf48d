"""Join two sounds: at the lag where they are in phase, with gains that keep the power constant, and below full scale.

Each function joins the end of an old sound to a new one; for the other way round, call it with both reversed in time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bridge.audio.beats import mixing
from bridge.audio.prediction import ahead
from bridge.audio.stretch import Samples, fit_length
from bridge.domain.clip import OUTPUT_RATE

Curve = npt.NDArray[np.float64]
Sound = npt.NDArray[np.floating[Any]]

REACH = OUTPUT_RATE // 100  # frames: lags of at most 10 ms either way; more would be heard in a rhythm
ALIKE = 0.3  # a lower correlation is chance: the sounds have no phase in common
SHORTER_LAG = 0.1  # of correlation: what the longest lag must be better by
MATCH = OUTPUT_RATE // 100  # frames that are compared to find where a sound repeats: 10 ms
PREDICTED_FROM, ORDER = 1_024, 32  # frames, coefficients
STEPS_BLOCK = OUTPUT_RATE // 200  # frames: 5 ms
DROP_DB, RISE_DB = 15.0, 9.0  # what a sound may fall or rise by at a join while it counts as going on
SHARPER = 3.0  # by how much its sharpest bend may be sharper
SMOOTH = OUTPUT_RATE // 250  # frames: a gain changes over 4 ms


def crossed(old: Samples, new: Samples) -> Samples:
    """A cross-fade over the length of `old`, (frames, channels), into `new`, which is as long or longer. The gains are equal-gain for equal
    sounds, equal-power for unlike ones, and between for those between. Where both together exceed full scale, the new one is lowered, and
    returns to its own level within 2 × SMOOTH frames after the cross-fade."""
    part = np.minimum((np.arange(len(new)) + 0.5) / max(len(old), 1), 1.0)[:, None]
    turn = np.pi / 2 * (3 - 2 * part) * part**2  # level at both ends: the gains have no corner
    out, into = np.cos(turn), np.sin(turn)
    power = np.sqrt(1 + 2 * out * into * _correlation(old, new[: len(old)]))
    leaving, coming = fit_length(old, len(new)) * (out / power), new * (into / power)
    full = max(1.0, float(np.abs(old).max(initial=0.0)))
    return np.asarray(np.clip(leaving + coming * _room(leaving, coming, full), -full, full), np.float32)


def correlations(old: Sound, around: Sound) -> Curve:
    """The normalised correlation of `old`, (frames,), with each stretch of that length in `around`, which begins REACH frames earlier
    and ends REACH frames later: 2 × REACH + 1 values. Zeros if none is above chance."""
    products = np.correlate(around.astype(np.float64), old.astype(np.float64), "valid")
    sums = np.concatenate([[0.0], np.cumsum(np.square(around, dtype=np.float64))])
    power = (sums[len(old) :] - sums[: -len(old)]) * np.square(old, dtype=np.float64).sum()
    values = products / np.sqrt(np.maximum(power, 1e-12))
    return np.asarray(values if values.max() >= ALIKE else np.zeros(len(values)))


def best_lags(at_first: Curve, at_last: Curve, apart: int) -> tuple[int, int]:
    """The lags at both ends of a sound, at most `apart` frames from each other, at which it fits best. `at_first`, `at_last`:
    `correlations`; equal ones give one lag."""
    cost = SHORTER_LAG * np.abs(np.arange(-REACH, REACH + 1)) / REACH
    apart = min(apart, 2 * REACH)
    padded = np.pad(at_last - cost, apart, constant_values=-np.inf)
    near = np.lib.stride_tricks.sliding_window_view(padded, 2 * apart + 1)
    best = int((at_first - cost + near.max(axis=1)).argmax())
    return best - REACH, best + int(near[best].argmax()) - apart - REACH


def goes_on(before: Samples, after: Samples) -> bool:
    """Whether the sound in `before` goes on in `after`, both (frames, channels): there is no hole, no click and no attack."""
    levels = [_block_levels(before), _block_levels(after)]
    if not len(levels[0]) or not len(levels[1]):
        return False
    rise = levels[1].max() - levels[0].max()
    drop = levels[0].min() - levels[1].min()
    # A click has little energy, but it bends the wave more than the sound does.
    joined = np.concatenate([before[-2:], after])
    bends = [float(np.abs(np.diff(part, 2, axis=0)).max()) for part in (before, joined)]
    return bool(rise <= RISE_DB and drop <= DROP_DB and bends[1] <= SHARPER * bends[0])


def going_on(before: Sound, frames: int) -> Samples:
    """`frames` frames that go on after `before`, (frames, channels): what followed when the sound was last like its end, plus a linear
    prediction of the difference, so that there is no step. Of a sound that is too short for that, the prediction
    alone."""
    before = np.asarray(before[-6 * max(frames, MATCH) :], np.float64)
    repeat: Sound = np.zeros((frames, before.shape[1]))
    difference = before
    furthest = min(len(before) - MATCH, 4 * frames)
    if furthest > frames:
        mix = before @ mixing(before)
        # Each stretch of MATCH frames that ends `frames` to `furthest` frames before the end, the nearest last.
        places = mix[len(mix) - furthest - MATCH : len(mix) - frames]
        windows = np.lib.stride_tricks.sliding_window_view(places, MATCH)
        likeness = windows @ mix[-MATCH:] / np.sqrt(np.maximum(np.square(windows).sum(axis=1), 1e-12))
        lag = furthest - int(likeness.argmax())
        start = len(before) - lag
        repeat, difference = before[start : start + frames], before[lag:] - before[:-lag]
    predicted = np.stack([ahead(wave, frames, ORDER) for wave in difference[-PREDICTED_FROM:].T], axis=1)
    full = max(1.0, float(np.abs(before).max(initial=0.0)))
    return np.asarray(np.clip(repeat + predicted, -full, full), np.float32)


def _correlation(old: Sound, new: Sound) -> Curve:
    """The correlation of each channel, 0 to 1."""
    old, new = old.astype(np.float64), new.astype(np.float64)
    power = np.square(old).sum(axis=0) * np.square(new).sum(axis=0)
    return np.asarray(np.clip((old * new).sum(axis=0) / np.sqrt(np.maximum(power, 1e-24)), 0.0, 1.0))


def _room(leaving: Sound, coming: Sound, full: float) -> Curve:
    """The gain of `coming` at each frame, (frames, 1), at which its sum with `leaving` stays below `full`; it changes smoothly."""
    same = leaving * coming > 0
    most = np.where(same, (full - np.abs(leaving)) / np.maximum(np.abs(coming), 1e-12), 1.0).min(axis=1, initial=1.0)
    if not len(most) or most.min() >= 1:
        return np.ones((len(most), 1))
    wide = np.concatenate([np.full(2 * SMOOTH, most[0]), np.maximum(most, 0.0), np.ones(2 * SMOOTH)])
    lowest = np.lib.stride_tricks.sliding_window_view(wide, 2 * SMOOTH + 1).min(axis=1)
    bell = np.hanning(2 * SMOOTH + 3)[1:-1]
    return np.asarray(np.convolve(lowest, bell / bell.sum(), "valid"))[:, None]


def _block_levels(samples: Sound) -> Curve:
    """The levels of whole blocks of 5 ms in dB, at least −100; none if the samples are shorter."""
    whole = len(samples) // STEPS_BLOCK
    if not whole:
        return np.zeros(0)
    blocks = samples[: whole * STEPS_BLOCK].reshape(whole, -1)
    return np.asarray(10 * np.log10(np.square(blocks, dtype=np.float64).mean(axis=1) + 1e-10))
