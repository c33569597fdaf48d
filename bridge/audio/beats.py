"""Find the beats of a clip: its tempo, its first downbeat and a confidence.

Uses NumPy only. bench/RESULTS.md compares it with librosa.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bridge.audio.stretch import Samples
from bridge.domain.clip import OUTPUT_RATE

Curve = npt.NDArray[np.float64]
Frames = npt.NDArray[np.int64]

WINDOW, HOP = 1024, 256  # frames: 21 ms and 5 ms
BANDS = 20  # equally wide in octaves, up to 16 kHz
LOW_BINS = slice(1, 5)  # 47 to 190 Hz: kicks and basses
FLOOR_DB = -50.0  # relative to the loudest band: quieter onsets are ignored
MIN_RISE_DB = 2.0  # the mean of all bands; noise ripples less
MIN_APART_S = 0.04  # closer attacks count as one
BEFORE, AFTER = 720, 144  # frames compared around an attack: 15 ms before (a period of a kick), 3 ms after
PRIOR_OCTAVES = 0.35  # standard deviation of the tempo around the requested one
MAX_ATTACKS = 600  # the strongest ones; all their pairs are compared
BEAT_TOLERANCE = 0.05  # beats: the distance of two attacks counts as whole beats if it is this close
SHARP, SOFT = 0.85, 2.5  # smoothing in hops (5 and 13 ms): to distinguish tempi; to match hits played by hand
JITTER_S = 0.025  # the largest jitter that still feels steady
SAME_PHASE_S = 0.015  # attacks this close in phase share it
EARLY_S = 0.015  # tolerance for an attack that is cut off at the start of the clip


@dataclass(frozen=True, slots=True)
class Beats:
    """The beats of a clip. `bpm`: 0 if no beat was found. `downbeat`: the frame of the first downbeat; at most 15 ms before the clip.
    `confidence`: 0 to 1. `attacks`: the frames at which sounds begin, ascending."""

    bpm: float
    downbeat: float
    confidence: float
    attacks: Frames


@dataclass(frozen=True, slots=True)
class _Attacks:
    frames: Frames
    strengths: Curve  # mean rise of all bands, in dB
    lows: Curve  # rise below 190 Hz, relative to the greatest


def mono(samples: Samples) -> Samples:
    """Mix (frames, channels) down to (frames,): the mean, or the loudest channel if the channels cancel. NaN and infinity
    become 0."""
    if not len(samples):
        return np.zeros(0, np.float32)
    samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    mix = samples @ mixing(samples)
    peak = float(np.abs(mix).max(initial=0.0))
    return np.ascontiguousarray(mix / max(peak, 1.0), np.float32)


def mixing(samples: Samples) -> Samples:
    """The weight of each channel of (frames, channels) in a mix to one: all the same, or only the loudest if they cancel."""
    power = np.square(samples, dtype=np.float64).mean(axis=0)
    if np.square(samples.mean(axis=1), dtype=np.float64).mean() < 0.1 * power.max(initial=0.0):
        return (np.arange(len(power)) == power.argmax()).astype(np.float32)
    return np.full(len(power), 1 / len(power), np.float32)


def attacks(samples: Samples) -> Frames:
    """The frames at which sounds begin, ascending, at least MIN_APART_S apart. `samples`: (frames, channels) at 48 kHz."""
    return _attacks(mono(samples))[0].frames


def measure(samples: Samples, requested_bpm: float) -> Beats:
    """Find the beats of a clip. `samples`: (frames, channels) at 48 kHz. Of tempi that fit equally well (half, double), the
    one nearest to `requested_bpm` wins."""
    onsets, rises = _attacks(mono(samples))
    no_beat = Beats(0.0, 0.0, 0.0, onsets.frames)
    if len(onsets.frames) < 3:
        return no_beat
    guess = _guess(_similarity(rises, SHARP), requested_bpm)
    if guess is None:
        return no_beat
    strongest = np.sort(np.argsort(-onsets.strengths, kind="stable")[:MAX_ATTACKS])
    times, weights = onsets.frames[strongest] / OUTPUT_RATE, onsets.strengths[strongest]
    beat, jitter, pairs = _fit(times, weights / weights.max(), guess)
    if not pairs:
        return no_beat
    similarity = _similarity(rises, SOFT)
    lags = beat * np.arange(1, 9) * OUTPUT_RATE / HOP
    lags = lags[lags < 0.75 * len(similarity)]
    periodic = float(np.interp(lags, np.arange(len(similarity)), similarity).max(initial=0.0))
    # With three attacks, two may be a beat apart by chance.
    confidence = min(1.0, periodic) * math.exp(-((jitter / JITTER_S) ** 2)) * (1 - math.exp(-pairs / 2))
    downbeat = _downbeat(times, weights / weights.max(), onsets.lows[strongest], beat)
    return Beats(60 / beat, downbeat * OUTPUT_RATE, confidence, onsets.frames)


def _attacks(wave: Samples) -> tuple[_Attacks, Curve]:
    """The attacks, and the rise in dB at each HOP."""
    rises, lows = _rises(wave)
    threshold = max(MIN_RISE_DB, 0.1 * rises.max(initial=0.0))
    frames: list[int] = []
    strengths: list[float] = []
    low_rises: list[float] = []
    # The wave, in which kicks are loud, and its differences, in which hats are.
    both = np.stack([wave, np.diff(wave, prepend=np.float32(0))])
    power = np.pad(np.cumsum(np.square(both, dtype=np.float64), axis=1), ((0, 0), (1, 0)))
    min_hops = round(MIN_APART_S * OUTPUT_RATE / HOP)
    for place in np.flatnonzero(rises > threshold):
        around = rises[max(0, place - min_hops) : place + min_hops + 1]
        if rises[place] < around.max():
            continue
        frame = _exact_frame(power, int(place) * HOP - WINDOW // 2)
        if frames and frame - frames[-1] < MIN_APART_S * OUTPUT_RATE:
            continue
        frames.append(frame)
        strengths.append(float(rises[place]))
        low_rises.append(float(lows[max(0, place - 2) : place + 5].max()))
    return _Attacks(np.array(frames, np.int64), np.array(strengths), np.array(low_rises)), rises


def _rises(wave: Samples) -> tuple[Curve, Curve]:
    """Per HOP: the mean rise of the bands in dB, and the rise in amplitude below 190 Hz (0 to 1). Entry i covers the WINDOW
    frames from i × HOP − WINDOW on."""
    padded = np.concatenate([np.zeros(WINDOW, np.float32), wave])
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    shape = np.hanning(WINDOW).astype(np.float32)
    edges = np.unique(np.round(np.geomspace(1, 342, BANDS + 1)).astype(int))
    bands, lows = [], []
    for at in range(0, len(windows), 2048):  # in blocks: a whole minute would take 100 MB
        spectrum = np.square(np.abs(np.fft.rfft(windows[at : at + 2048] * shape)), dtype=np.float64)
        bands.append(np.add.reduceat(spectrum[:, : edges[-1]], edges[:-1], axis=1))
        lows.append(np.sqrt(spectrum[:, LOW_BINS].sum(axis=1)))
    power = np.concatenate(bands)
    loudest = power.max(initial=0.0)
    if loudest <= 1e-9:  # silence: below −100 dBFS
        return np.zeros(len(power)), np.zeros(len(power))
    level = 10 * np.log10(power / loudest + 10 ** (FLOOR_DB / 10))
    rise = np.zeros(len(power))
    rise[2:] = np.maximum(level[2:] - level[:-2], 0.0).mean(axis=1)
    low = np.concatenate(lows)
    low_rise = np.zeros(len(power))
    low_rise[2:] = np.maximum(low[2:] - low[:-2], 0.0)
    # In a clip without lows the greatest rise is not a kick.
    return rise, low_rise / max(low_rise.max(initial=0.0), 0.1 * math.sqrt(loudest))


def _exact_frame(power: Curve, near: int) -> int:
    """The frame within 19 ms of `near` at which the sound rises most. `power`: (2, frames), the cumulative power of the wave and
    of its differences."""
    last = power.shape[1] - 1
    places = np.arange(max(0, near - 900), max(1, min(near + 900, last - AFTER)))
    after = (power[:, np.minimum(places + AFTER, last)] - power[:, places]) / AFTER
    before = (power[:, places] - power[:, np.maximum(places - BEFORE, 0)]) / BEFORE
    floor = 1e-4 * after.max(axis=1, keepdims=True) + 1e-15
    return int(places[np.argmax(np.log((after + floor) / (before + floor)).sum(axis=0))])


def _similarity(rises: Curve, hops: float) -> Curve:
    """The autocorrelation of the rises by lag in hops, 1 at lag 0, after Gaussian smoothing by `hops`."""
    bell = np.exp(-0.5 * (np.arange(-8, 9) / hops) ** 2)
    smooth = np.convolve(rises - rises.mean(), bell, "same")[: len(rises)]
    count = len(smooth)
    size = 1 << (2 * count - 1).bit_length()
    products = np.fft.irfft(np.abs(np.fft.rfft(smooth, size)) ** 2, size)[:count]
    if products[0] <= 0:
        return np.zeros(count)
    return products / products[0] * count / np.maximum(count - np.arange(count), 1)


def _guess(similarity: Curve, requested_bpm: float) -> float | None:
    """The length of a beat in seconds, to 0.3 %: the period whose first four multiples have the highest autocorrelation. None
    if nothing repeats."""
    octaves = np.linspace(-1.25, 1.25, 1001)
    lags = 60 / (requested_bpm * 2**octaves) * OUTPUT_RATE / HOP
    reach = 0.75 * len(similarity)
    multiples = lags[:, None] * np.arange(1, 5)
    in_reach = multiples < reach
    values = np.where(in_reach, np.interp(multiples, np.arange(len(similarity)), similarity), 0.0)
    # The first multiple weighs as much as the mean of all four: every fourth multiple of 3/4 beat is on the beat, too.
    score = values[:, 0] + values.sum(axis=1) / np.maximum(in_reach.sum(axis=1), 1)
    score = score * np.exp(-0.5 * (octaves / PRIOR_OCTAVES) ** 2)
    best = int(score.argmax())
    return float(lags[best] * HOP / OUTPUT_RATE) if score[best] > 0 else None


def _fit(times: Curve, weights: Curve, beat: float) -> tuple[float, float, int]:
    """The beat and its jitter in seconds, and the number of pairs of attacks that are one to four beats apart.

    Least squares over all pairs that are whole beats apart, first over close pairs, then over more and more distant ones."""
    first, second = np.triu_indices(len(times), 1)
    distances, both = times[second] - times[first], weights[first] * weights[second]
    jitter, pairs = 0.0, 0
    for most in (2, 4, 8, 16, 64, 1 << 30):
        beats = np.rint(distances / beat)
        off = distances - beats * beat
        fits = (beats >= 1) & (beats <= most) & (np.abs(off) < BEAT_TOLERANCE * beat)
        weight = both[fits] * beats[fits]
        if not weight.sum() > 0:
            continue
        beat = float((weight * distances[fits]).sum() / (weight * beats[fits]).sum())
        near = fits & (beats <= 4)
        if both[near].sum() > 0:
            off = distances[near] - beats[near] * beat
            jitter, pairs = math.sqrt(float((both[near] * off**2).sum() / both[near].sum()) / 2), int(near.sum())
    return beat, jitter, pairs


def _downbeat(times: Curve, weights: Curve, lows: Curve, beat: float) -> float:
    """The first downbeat in seconds. Of the attacks within a beat of the first one, this is the one with the most bass whose
    phase most others share; of about equally good ones, the first."""
    phases = times % beat
    apart = np.abs((phases[:, None] - phases[None, :] + beat / 2) % beat - beat / 2)
    shared = (np.exp(-((apart / SAME_PHASE_S) ** 2)) * (0.3 * weights + lows)).sum(axis=1)
    shared /= shared.max()
    begins = times < times[0] + beat - EARLY_S
    score = shared + lows / max(lows[begins].max(), 1e-9)
    best = int(np.argmax(begins & (score >= 0.8 * score[begins].max())))
    if shared[best] < 0.5:  # no attack on the first beat
        best = int(shared.argmax())
    near = apart[best] < SAME_PHASE_S
    off = (phases[near] - phases[best] + beat / 2) % beat - beat / 2
    phase = phases[best] + float((off * weights[near]).sum() / weights[near].sum())
    return float(phase + beat * math.ceil((times[0] - EARLY_S - phase) / beat))
