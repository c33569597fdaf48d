"""Paste new sound to a source, whose samples stay as they are: `continued` after its end, `filled` into a gap.

`source`: (frames, channels) at OUTPUT_RATE. `rendering`: the whole clip as the engine made it, at OUTPUT_RATE; where the source is kept
it holds the engine's own version of the source, by which phase and level are found. It has one channel, or as many as the source.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr

from bridge.audio.beats import mixing
from bridge.audio.joins import REACH, SMOOTH, Curve, Sound, best_lags, correlations, crossed, goes_on, going_on
from bridge.audio.levels import Gains, gains_between, loud_part, loud_rms, matching_gains
from bridge.audio.stretch import Samples, fit_length
from bridge.domain.clip import OUTPUT_RATE

JOIN = OUTPUT_RATE * 30 // 1000  # frames
LEAD = OUTPUT_RATE * 10 // 1000  # frames before a join that are also compared for the phase
STRETCH = OUTPUT_RATE * 150 // 1000  # frames before a join whose level is compared
SHORTEST_STRETCH = OUTPUT_RATE * 10 // 1000
TAIL = 1e-3  # relative to the loud part: 60 dB below it, a tail has ended and says nothing about the level
MOST_DETUNE = 0.01  # by which a filling may be faster or slower, so that it is in phase at both ends: 17 cents
MARGIN = 512  # frames around a filling, for the filter of the resampler
AROUND = REACH + MARGIN  # frames that are added at both ends of a rendering
ONSET_FADE = OUTPUT_RATE // 1000  # frames
SAME = 0.01  # of the power: a rendering that differs by less than this holds the samples of the source
OPPOSITE = -0.3  # a channel with a lower correlation to the mix has the opposite polarity


def at_output_rate(samples: Samples, sample_rate: int) -> Samples:
    """The samples at OUTPUT_RATE: resampled, or untouched if they have that rate."""
    if sample_rate == OUTPUT_RATE:
        return samples
    return np.asarray(soxr.resample(samples, sample_rate, OUTPUT_RATE, "HQ"), np.float32)


def continued(source: Samples, rendering: Samples, frames: int) -> Samples:
    """The source, and the rendering from there to `frames`, which are more than those of the source. The join lies in the last 30 ms of
    the source, or in its second half if it is shorter than 60 ms."""
    join = min(JOIN, len(source) // 2)
    first = len(source) - join
    padded = _padded(rendering, frames, source)
    kept, inside = source[:first], source[first:]
    end = _end(kept, inside, padded, mixing(source))
    lag, _same = best_lags(end.likeness, end.likeness, 0)
    gains = end.gains
    if gains is None:
        gains = _loud_gains(kept, padded[AROUND : AROUND + first])
    part = _in_range(_part(padded, first, frames, lag, lag) * (gains * _polarity(source, rendering)))
    return np.concatenate([kept, _crossed(inside, part)])


def filled(source: Samples, rendering: Samples, first: int, last: int) -> Samples:
    """The source, with the rendering in the frames from `first` to `last`. Its joins take the first and the last 30 ms of this gap, or
    halves of a shorter one; there is none at an end of the source."""
    gap, frames = last - first, len(source)
    join, weights = min(JOIN, gap // 2), mixing(source)
    padded = _padded(rendering, frames, source)
    kept, inside, after = source[:first], source[first:last], source[last:]
    left = _end(kept, _old(kept, inside[:join], padded, first), padded, weights) if len(kept) else None
    # The same reversed in time.
    tail = after[::-1]
    right = (
        _end(tail, _old(tail, inside[::-1][:join], padded[::-1], len(tail)), padded[::-1], weights)
        if len(tail)
        else None
    )
    lags = _lags(left, right, gap)
    new = _part(padded, first, last, *lags)
    if not first and lags[0] < 0:  # it begins later, which must not click
        onset = new[-lags[0] :][:ONSET_FADE]
        onset *= np.linspace(0, 1, ONSET_FADE, dtype=np.float32)[: len(onset), None]
    gains = [end.gains for end in (left, right) if end is not None and end.gains is not None]
    if not gains:
        outside = np.r_[0:first, last:frames] if gap < frames else np.arange(frames)
        gains = [_loud_gains(source[outside], padded[AROUND + outside])]
    new = _in_range(new * (gains_between(gains[0], gains[-1], gap) * _polarity(source, rendering)))
    if left is not None:
        new = _crossed(left.old, new)
    if right is not None:
        new = _crossed(right.old, new[::-1])[::-1]
    return np.concatenate([kept, new, after])


@dataclass(frozen=True, slots=True)
class _End:
    """An end of the new part, in the direction away from what is kept. `old`: the sound that fades out in the join. `likeness`: of the
    rendering to it, by lags. `gains`: of each channel for the level of what is kept, None if the level cannot be told."""

    old: Samples
    likeness: Curve
    gains: Gains | None


def _end(kept: Samples, old: Samples, padded: Samples, weights: Samples) -> _End:
    compared = np.concatenate([kept[-LEAD:], old]) @ weights
    begin = AROUND + max(0, len(kept) - LEAD)
    around = padded[begin - REACH : begin + len(compared) + REACH]
    likeness = correlations(compared, around @ mixing(around))
    stretch = min(STRETCH, len(kept))
    gains = None
    if stretch >= SHORTEST_STRETCH:
        same = padded[AROUND + len(kept) - stretch : AROUND + len(kept)]
        gains = matching_gains(kept[-stretch:], same, TAIL * loud_rms(kept))
    return _End(old, likeness, gains)


def _old(kept: Samples, inside: Samples, padded: Samples, first: int) -> Samples:
    """The sound that fades out at the begin of a gap, frame `first` of a padded rendering. If the rendering holds the samples that are
    kept, it has grown out of them, and goes on by itself. Else it is what is in the gap if that goes on there. A hole, a click or another
    hit must not be heard, so then what was kept goes on instead."""
    before, own = kept[-LEAD:], padded[AROUND + first - min(LEAD, len(kept)) : AROUND + first]
    if np.square(own - before).sum() < SAME * np.square(before).sum():
        return padded[AROUND + first : AROUND + first + len(inside)]
    return inside if goes_on(kept[-3 * JOIN :], inside) else going_on(kept, len(inside))


def _lags(left: _End | None, right: _End | None, gap: int) -> tuple[int, int]:
    """How many frames later than in its own time the rendering is read at both ends of a gap."""
    if left is not None and right is not None:
        return best_lags(left.likeness, right.likeness[::-1], int(MOST_DETUNE * gap))
    if left is not None:
        return best_lags(left.likeness, left.likeness, 0)
    if right is None:
        return 0, 0
    likeness = right.likeness[::-1].copy()
    likeness[REACH + 1 :] = -1  # the beginning of the sound must not be lost
    return best_lags(likeness, likeness, 0)


def _padded(rendering: Samples, frames: int, source: Samples) -> Samples:
    """The rendering with AROUND frames before and after it: silence, and what goes on after its end. With the channels of the source."""
    rendering = np.asarray(fit_length(rendering, frames), np.float32)
    channels = source.shape[1]
    if rendering.shape[1] not in (1, channels):
        rendering = (rendering @ mixing(rendering))[:, None]
    more = going_on(rendering, AROUND)
    silence = np.zeros((AROUND, rendering.shape[1]), np.float32)
    whole = np.concatenate([silence, rendering, more])
    return np.repeat(whole, channels, axis=1) if whole.shape[1] < channels else whole


def _part(padded: Samples, first: int, last: int, at_first: int, at_last: int) -> Samples:
    """The frames `first` to `last` of a rendering, read `at_first` frames later at its beginning and `at_last` later at its end."""
    begin, end = AROUND + first + at_first, AROUND + last + at_last
    if at_first == at_last:
        return padded[begin:end].copy()
    wanted, count = last - first, end - begin
    out = soxr.resample(padded[begin - MARGIN : end + MARGIN], float(count), float(wanted), "HQ")
    return np.asarray(fit_length(out[round(MARGIN * wanted / count) :], wanted), np.float32)


def _crossed(old: Samples, new: Samples) -> Samples:
    reach = len(old) + 2 * SMOOTH
    return np.concatenate([crossed(old, new[:reach]), new[reach:]])


def _loud_gains(kept: Samples, rendering: Samples) -> Gains:
    """The gains by the loud part of what is kept; 1 for silence."""
    loud = loud_part(kept)
    gains = matching_gains(kept[loud], rendering[loud])
    return np.ones(kept.shape[1]) if gains is None else gains


def _polarity(source: Samples, rendering: Samples) -> Curve:
    """−1 for each channel that is opposite to the mix, else 1. A rendering with the channels of the source has their polarity already."""
    if rendering.shape[1] == source.shape[1]:
        return np.ones(source.shape[1])
    mix = source @ mixing(source)
    products = source.T.astype(np.float64) @ mix
    sizes = np.sqrt(np.square(source, dtype=np.float64).sum(axis=0) * np.square(mix, dtype=np.float64).sum())
    return np.where(products < OPPOSITE * np.maximum(sizes, 1e-12), -1.0, 1.0)


def _in_range(new: Sound) -> Samples:
    """The new part, lowered if it exceeds full scale."""
    return np.asarray(new / max(1.0, float(np.abs(new).max(initial=0.0))), np.float32)
