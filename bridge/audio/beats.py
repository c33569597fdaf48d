"""Where the beats of a clip fall: its tempo, its first downbeat, and how sure that is.

NumPy alone, which the shaper has anyway; how it compares with librosa stands in bench/RESULTS.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bridge.domain.clip import OUTPUT_RATE

Samples = npt.NDArray[np.float32]
Curve = npt.NDArray[np.float64]
Frames = npt.NDArray[np.int64]

WINDOW, HOP = 1024, 256  # frames: 21 ms, and a look every 5 ms
BANDS = 20  # of equal width in octaves, up to 16 kHz
LOW_BINS = slice(1, 5)  # 47 to 190 Hz: kicks and basses
FLOOR_DB = -50.0  # below the loudest band: what is quieter begins unheard
LEAST_RISE_DB = 2.0  # of all bands, on average: the ripple of noise is below
APART_S = 0.04  # attacks nearer than this are one
BEFORE, AFTER = 720, 144  # frames that an attack is found between: 15 ms quiet (a period of a kick), 3 ms loud
PRIOR_OCTAVES = 0.35  # how far from the asked tempo is likely
MOST_ATTACKS = 600  # the strongest; their pairs are counted
NEAR_BEATS = 0.05  # two attacks so near to whole beats apart are whole beats apart
SHARP, SOFT = 0.85, 2.5  # hops, 5 and 13 ms: to tell tempi apart; and to see that hits by hand resemble each other
JITTER_S = 0.025  # of beats that are felt as steady, at most
SAME_S = 0.015  # attacks so near to the same phase share it
EARLY_S = 0.015  # an attack that was cut off at the start of the clip


@dataclass(frozen=True, slots=True)
class Beats:
    """`bpm`: 0 if there is no beat. `downbeat`: the frame of the first one, down to 15 ms before the clip. `confidence` 0…1.
    `attacks`: the frames at which a sound begins, rising."""

    bpm: float
    downbeat: float
    confidence: float
    attacks: Frames


@dataclass(frozen=True, slots=True)
class _Attacks:
    frames: Frames
    strengths: Curve  # mean rise of all bands, in dB
    lows: Curve  # rise below 190 Hz, 1 for the greatest


def mono(samples: Samples) -> Samples:
    """One channel of (frames, channels): the sum, or the loudest channel where the sum cancels. NaN and infinity are 0."""
    if not len(samples):
        return np.zeros(0, np.float32)
    samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    together = samples.mean(axis=1)
    power = np.square(samples, dtype=np.float64).mean(axis=0)
    if np.square(together, dtype=np.float64).mean() < 0.1 * power.max(initial=0.0):
        together = samples[:, int(power.argmax())]
    peak = float(np.abs(together).max(initial=0.0))
    return np.ascontiguousarray(together / max(peak, 1.0), np.float32)


def attacks(samples: Samples) -> Frames:
    """The frames at which sounds begin, rising, at least 40 ms apart. `samples`: (frames, channels) at 48 kHz."""
    return _attacks(mono(samples))[0].frames


def measure(samples: Samples, asked_bpm: float) -> Beats:
    """The beats of a clip: (frames, channels) at 48 kHz. Of tempi that fit as well (half, double) the one nearest to
    `asked_bpm` is taken."""
    found, rises = _attacks(mono(samples))
    nothing = Beats(0.0, 0.0, 0.0, found.frames)
    if len(found.frames) < 3:
        return nothing
    guess = _guess(_likeness(rises, SHARP), asked_bpm)
    if guess is None:
        return nothing
    strongest = np.sort(np.argsort(-found.strengths, kind="stable")[:MOST_ATTACKS])
    times, weights = found.frames[strongest] / OUTPUT_RATE, found.strengths[strongest]
    beat, jitter, pairs = _fit(times, weights / weights.max(), guess)
    if not pairs:
        return nothing
    likeness = _likeness(rises, SOFT)
    lags = beat * np.arange(1, 9) * OUTPUT_RATE / HOP
    lags = lags[lags < 0.75 * len(likeness)]
    periodic = float(np.interp(lags, np.arange(len(likeness)), likeness).max(initial=0.0))
    # Of three attacks two may well be a beat apart by chance.
    confidence = min(1.0, periodic) * math.exp(-((jitter / JITTER_S) ** 2)) * (1 - math.exp(-pairs / 2))
    downbeat = _downbeat(times, weights / weights.max(), found.lows[strongest], beat)
    return Beats(60 / beat, downbeat * OUTPUT_RATE, confidence, found.frames)


def _attacks(wave: Samples) -> tuple[_Attacks, Curve]:
    """The attacks, and the rise in dB at each HOP."""
    rises, lows = _rises(wave)
    least = max(LEAST_RISE_DB, 0.1 * rises.max(initial=0.0))
    frames: list[int] = []
    strengths: list[float] = []
    low_rises: list[float] = []
    # As it is, where kicks are loud, and its differences, where hats are.
    both = np.stack([wave, np.diff(wave, prepend=np.float32(0))])
    power = np.pad(np.cumsum(np.square(both, dtype=np.float64), axis=1), ((0, 0), (1, 0)))
    apart = round(APART_S * OUTPUT_RATE / HOP)
    for place in np.flatnonzero(rises > least):
        around = rises[max(0, place - apart) : place + apart + 1]
        if rises[place] < around.max():
            continue
        frame = _exactly(power, int(place) * HOP - WINDOW // 2)
        if frames and frame - frames[-1] < APART_S * OUTPUT_RATE:
            continue
        frames.append(frame)
        strengths.append(float(rises[place]))
        low_rises.append(float(lows[max(0, place - 2) : place + 5].max()))
    return _Attacks(np.array(frames, np.int64), np.array(strengths), np.array(low_rises)), rises


def _rises(wave: Samples) -> tuple[Curve, Curve]:
    """At each HOP: by how many dB the bands rose, on average; and how much amplitude came in below 190 Hz, 1 at most.
    Entry i looks at the frames from i × HOP − WINDOW on."""
    padded = np.concatenate([np.zeros(WINDOW, np.float32), wave])
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    shape = np.hanning(WINDOW).astype(np.float32)
    edges = np.unique(np.round(np.geomspace(1, 342, BANDS + 1)).astype(int))
    bands, lows = [], []
    for at in range(0, len(windows), 2048):  # a minute at once would be 100 MB
        spectrum = np.square(np.abs(np.fft.rfft(windows[at : at + 2048] * shape)), dtype=np.float64)
        bands.append(np.add.reduceat(spectrum[:, : edges[-1]], edges[:-1], axis=1))
        lows.append(np.sqrt(spectrum[:, LOW_BINS].sum(axis=1)))
    power = np.concatenate(bands)
    loudest = power.max(initial=0.0)
    if loudest <= 1e-9:  # silence: −100 dBFS and less
        return np.zeros(len(power)), np.zeros(len(power))
    level = 10 * np.log10(power / loudest + 10 ** (FLOOR_DB / 10))
    rise = np.zeros(len(power))
    rise[2:] = np.maximum(level[2:] - level[:-2], 0.0).mean(axis=1)
    low = np.concatenate(lows)
    low_rise = np.zeros(len(power))
    low_rise[2:] = np.maximum(low[2:] - low[:-2], 0.0)
    # Of a clip without lows the greatest rise is no kick.
    return rise, low_rise / max(low_rise.max(initial=0.0), 0.1 * math.sqrt(loudest))


def _exactly(power: Curve, near: int) -> int:
    """The frame within 19 ms of `near` where the sound gets louder at once. `power`: two views of it, summed up over the frames."""
    last = power.shape[1] - 1
    places = np.arange(max(0, near - 900), max(1, min(near + 900, last - AFTER)))
    after = (power[:, np.minimum(places + AFTER, last)] - power[:, places]) / AFTER
    before = (power[:, places] - power[:, np.maximum(places - BEFORE, 0)]) / BEFORE
    least = 1e-4 * after.max(axis=1, keepdims=True) + 1e-15
    return int(places[np.argmax(np.log((after + least) / (before + least)).sum(axis=0))])


def _likeness(rises: Curve, hops: float) -> Curve:
    """How much the clip resembles itself that many hops later: the autocorrelation, 1 at 0, of the rises smoothed by `hops`."""
    bell = np.exp(-0.5 * (np.arange(-8, 9) / hops) ** 2)
    smooth = np.convolve(rises - rises.mean(), bell, "same")[: len(rises)]
    count = len(smooth)
    size = 1 << (2 * count - 1).bit_length()
    products = np.fft.irfft(np.abs(np.fft.rfft(smooth, size)) ** 2, size)[:count]
    if products[0] <= 0:
        return np.zeros(count)
    return products / products[0] * count / np.maximum(count - np.arange(count), 1)


def _guess(likeness: Curve, asked_bpm: float) -> float | None:
    """Seconds of a beat, to 0.3 %: the period after one to four of which the clip resembles itself most."""
    octaves = np.linspace(-1.25, 1.25, 1001)
    lags = 60 / (asked_bpm * 2**octaves) * OUTPUT_RATE / HOP
    reach = 0.75 * len(likeness)
    many = lags[:, None] * np.arange(1, 5)
    there = many < reach
    values = np.where(there, np.interp(many, np.arange(len(likeness)), likeness), 0.0)
    # The first counts as much as all: every fourth of three quarters of a beat is on the beat, too.
    score = values[:, 0] + values.sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    score = score * np.exp(-0.5 * (octaves / PRIOR_OCTAVES) ** 2)
    best = int(score.argmax())
    return float(lags[best] * HOP / OUTPUT_RATE) if score[best] > 0 else None


def _fit(times: Curve, weights: Curve, beat: float) -> tuple[float, float, int]:
    """The beat, its jitter, both in seconds, and the number of pairs of attacks that lie one to four beats apart.

    Least squares over all pairs that lie whole beats apart, first over near ones, then over ever farther ones."""
    first, second = np.triu_indices(len(times), 1)
    distances, both = times[second] - times[first], weights[first] * weights[second]
    jitter, pairs = 0.0, 0
    for most in (2, 4, 8, 16, 64, 1 << 30):
        beats = np.rint(distances / beat)
        off = distances - beats * beat
        fits = (beats >= 1) & (beats <= most) & (np.abs(off) < NEAR_BEATS * beat)
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
    """The first beat, in seconds: the attack within a beat of the first one that has most low sound, and whose phase most of
    the others share; of those that are about as good the first."""
    phases = times % beat
    apart = np.abs((phases[:, None] - phases[None, :] + beat / 2) % beat - beat / 2)
    shared = (np.exp(-((apart / SAME_S) ** 2)) * (0.3 * weights + lows)).sum(axis=1)
    shared /= shared.max()
    begins = times < times[0] + beat - EARLY_S
    score = shared + lows / max(lows[begins].max(), 1e-9)
    best = int(np.argmax(begins & (score >= 0.8 * score[begins].max())))
    if shared[best] < 0.5:  # nothing sounds on the first beat
        best = int(shared.argmax())
    near = apart[best] < SAME_S
    off = (phases[near] - phases[best] + beat / 2) % beat - beat / 2
    phase = phases[best] + float((off * weights[near]).sum() / weights[near].sum())
    return float(phase + beat * math.ceil((times[0] - EARLY_S - phase) / beat))
