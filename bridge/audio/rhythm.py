"""Tell a rhythm from other sounds, and find its hits and its tempo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import soxr

from bridge.audio import beats
from bridge.audio.beats import Beats, Frames
from bridge.audio.stretch import Samples
from bridge.domain.clip import OUTPUT_RATE

MIN_CONFIDENCE = 0.5
# Of a sound whose tempo nobody knows: the first, unless another one is clearly more certain.
GUESSES_BPM, MORE_CERTAIN = (120.0, 95.0, 150.0, 70.0, 180.0), 0.1
MIN_HITS, MIN_STEADY_HITS = 4, 3
SEPARATE_DB, AROUND_S = 6.0, 0.02  # a separate hit is this much louder than the sound before it
QUIETEST_DB = -30.0  # of a hit, relative to the loudest one
# Rain and a crackle have more onsets than separate hits, or more of them in a second.
MOST_ONSETS, MOST_A_SECOND = 1.5, 6.0
SAME_TEMPO = 0.01  # a known tempo this close to the measured one is the exact one


@dataclass(frozen=True, slots=True)
class Rhythm:
    """`onsets`: the frames at which its hits begin, ascending. `bpm`: its tempo, 0 if it is not steady."""

    onsets: Frames
    bpm: float


def onsets(wave: Samples, rate: int) -> Frames:
    """The frames at which sounds begin in a wave (frames,) at `rate`, ascending."""
    return np.rint(beats.attacks(_at_output(wave, rate)[:, None]) * (rate / OUTPUT_RATE)).astype(np.int64)


def rhythm_of(wave: Samples, rate: int, bpm: float = 0.0) -> Rhythm | None:
    """The rhythm in a wave (frames,) at `rate`: a steady beat, or at least MIN_HITS separate hits. None if it is another sound. `bpm`: its
    tempo as far as it is known, 0 if not."""
    at_output = _at_output(wave, rate)
    measured = _measured(at_output, bpm)
    heard, separate = measured.attacks, int(_separate(at_output, measured.attacks).sum())
    steady = measured.confidence >= MIN_CONFIDENCE
    if len(heard) > MOST_ONSETS * separate or separate < (MIN_STEADY_HITS if steady else MIN_HITS):
        return None
    if not steady and len(heard) > MOST_A_SECOND * len(wave) / rate:
        return None
    tempo = bpm if bpm and abs(measured.bpm / bpm - 1) < SAME_TEMPO else measured.bpm
    return Rhythm(np.rint(heard * (rate / OUTPUT_RATE)).astype(np.int64), tempo if steady else 0.0)


def _at_output(wave: Samples, rate: int) -> Samples:
    return wave if rate == OUTPUT_RATE else np.asarray(soxr.resample(wave, rate, OUTPUT_RATE, "HQ"), np.float32)


def _measured(wave: Samples, bpm: float) -> Beats:
    if bpm:
        return beats.measure(wave[:, None], bpm)
    best = beats.measure(wave[:, None], GUESSES_BPM[0])
    for guess in GUESSES_BPM[1:] if len(best.attacks) >= MIN_STEADY_HITS else ():
        other = beats.measure(wave[:, None], guess)
        if other.confidence > best.confidence + MORE_CERTAIN:
            best = other
    return best


def _separate(wave: Samples, onsets: Frames) -> npt.NDArray[np.bool_]:
    """Which of the onsets rise well above the sound before them, in the wave or, as hats do, in its differences."""
    around, gap = round(AROUND_S * OUTPUT_RATE), 48
    separate = np.zeros(len(onsets), bool)
    for part in (wave, np.diff(wave, prepend=np.float32(0))):
        power = np.pad(np.cumsum(np.square(part, dtype=np.float64)), (around + gap + 1, around), mode="edge")
        power[: around + gap + 1] = 0.0
        at = onsets + around + gap
        after = power[at + around] - power[at]
        before = power[at - gap] - power[at - gap - around]
        loud = after >= after.max(initial=0.0) * 10 ** (QUIETEST_DB / 10)
        separate |= loud & (after > before * 10 ** (SEPARATE_DB / 10))
    return separate
