"""How well a loop closes: what stops at its seam compared with what stops inside it, and how deep a hole is there."""

from __future__ import annotations

import numpy as np

from bridge.audio.beats import HOP, WINDOW
from bridge.audio.stretch import Samples
from bridge.domain.clip import OUTPUT_RATE

BANDS = np.unique(np.geomspace(1, WINDOW // 2 + 1, 65).round().astype(int))  # the first bin of each band
HEARING_FLOOR_DB = -60.0  # relative to the loudest band at any moment; less is masked
JUST_HEARD_DB = 1.0  # smaller differences are not
SPANS = (4, 32)  # windows that are compared with as many before: 21 ms for clicks and cuts, 0.17 s for swells and holes
ATTACK_DB = 6.0
SHORTEST_S = 0.1
BLOCK_S, NEAR_S, DEEPEST_HOLE_DB = 0.02, 0.06, 6.0


def seam_score(samples: Samples) -> float:
    """The share of moments inside a loop at which less stops than at its seam: 0 to 1. Up to 0.95 the seam is like any other moment.
    `samples`: (frames, channels) at 48 kHz, of which the worst channel counts; a loop shorter than 0.1 s scores 0.

    What stops at a moment: the mean of the decibels by which each band is quieter after it than before, over a short and a
    long span, whichever is the more unusual. A cut, a hole, a click and a change of timbre all stop something. What only
    begins is heard as the beginning of a sound: the attack of a hit belongs at the seam. A loop with a hole deeper than
    DEEPEST_HOLE_DB scores 1.
    """
    return max(_of_channel(channel) for channel in samples.T)


def hole_db(wave: Samples, rate: int) -> float:
    """How much quieter the quietest 20 ms within 60 ms of the seam of a loop are than its quiet moments (the 5 % quantile), in
    decibels; negative if they are louder. `wave`: (frames,) at `rate` Hz."""
    block, near = round(BLOCK_S * rate), round(NEAR_S * rate)
    if len(wave) < SHORTEST_S * rate:
        return 0.0
    inside = _levels(wave, block, block // 2)
    around = np.concatenate([wave[-near:], wave[: near + block]])
    floor = inside.max() + HEARING_FLOOR_DB
    return float(max(np.quantile(inside, 0.05), floor) - max(_levels(around, block, block // 4).min(), floor))


def _levels(wave: Samples, block: int, hop: int) -> Samples:
    blocks = np.lib.stride_tricks.sliding_window_view(wave, block)[::hop]
    levels: Samples = 10 * np.log10(np.square(blocks, dtype=np.float64).mean(axis=1) + 1e-18)
    return levels


def _of_channel(wave: Samples) -> float:
    if len(wave) < SHORTEST_S * OUTPUT_RATE:
        return 0.0
    if hole_db(wave, OUTPUT_RATE) > DEEPEST_HOLE_DB:
        return 1.0
    power = _power_of_bands(wave)
    floor = power.max() * 10 ** (HEARING_FLOOR_DB / 10) + 1e-20
    moments = len(power)
    spans = [span for span in SPANS if moments >= 8 * span] or [SPANS[0]]
    unusual = np.zeros(moments)
    begins = _begins(10 * np.log10(power.sum(axis=1) + 1e-20), spans[-1])
    for span in spans:
        sums = np.cumsum(np.concatenate([np.zeros_like(power[:1]), power[-span:], power, power[:span]]), axis=0)
        levels = 10 * np.log10(np.maximum((sums[span:] - sums[:-span]) / span, floor))
        stops = np.maximum(levels[:moments] - levels[span : span + moments], 0.0).mean(axis=1)
        stops = np.maximum(stops - JUST_HEARD_DB, 0.0)
        near = span // 2
        before = np.lib.stride_tricks.sliding_window_view(np.concatenate([stops[-near:], stops]), near + 1).max(axis=1)
        after = np.lib.stride_tricks.sliding_window_view(np.concatenate([stops, stops[:near]]), near + 1).max(axis=1)
        # The click of an attack is part of the sound that begins with it.
        most = np.where(begins, before, np.maximum(before, after))
        unusual = np.maximum(unusual, most / (np.median(stops) + JUST_HEARD_DB))
    inside = unusual[spans[-1] : -spans[-1]]
    return float((inside < unusual[0]).mean()) if len(inside) else 0.0


def _begins(levels: Samples, span: int) -> Samples:
    """Whether a sound begins at each moment: the level rises for longer than a click lasts."""
    around = np.lib.stride_tricks.sliding_window_view(np.concatenate([levels[-span:], levels, levels[:span]]), span)
    medians = np.median(around, axis=1)
    rises: Samples = medians[span : span + len(levels)] - medians[: len(levels)] > ATTACK_DB
    return rises


def _power_of_bands(wave: Samples) -> Samples:
    """The power spectrum around moments HOP apart, the first at the seam: (moments, bands)."""
    half = WINDOW // 2
    around = np.concatenate([wave[-half:], wave, wave[:half]])
    windows = np.lib.stride_tricks.sliding_window_view(around, WINDOW)[: len(wave) : HOP]
    spectra = np.square(np.abs(np.fft.rfft(windows * np.hanning(WINDOW), axis=1)))
    return np.add.reduceat(spectra, BANDS[:-1], axis=1)
