"""Tones in a source: where its root is, the C at which a small checkpoint knows such tones, and the partials that sound in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from bridge.audio import key
from bridge.domain.clip import OUTPUT_RATE
from bridge.domain.notes import c_of, frequency_of

Wave = NDArray[np.float32]

LISTENED_S = 1.0  # of the end of the sound
AUDIBLE_DB = 30.0  # below the loudest moment; what is quieter at the end is not listened to
FFT_SIZE = 1 << 18
SHARED_S, TONAL = 0.2, 0.6  # tones reach 0.98 here, noises and sirens 0.33
CONFIDENT = 0.25  # of the root; between half and twice as confident, bells of the starter are found right
LOWEST_HZ, HIGHEST_HZ = 25.0, 12_000.0
MOST_PARTIALS, DEEPEST_DB = 60, 55.0
APART_HZ = 12.0  # nearer partials count as one
CLEAR_DB = 12.0  # above the median of 150 Hz on each side
OCTAVES = range(1, 9)
# Chords in semitones above the root, with how much less likely they are than the single tone.
CHORDS = (((0,), 1.0), ((0, 7), 0.8), ((0, 4, 7), 0.7), ((0, 3, 7), 0.7))
UNHEARD = 0.6  # a fundamental that does not sound: a fifth is the second and third partial of the octave below
EXPLAINS = 0.9  # the highest octave is taken that explains this share of what any explains
NEAR_CENTS = 40.0
MOST_SEMITONES = 18.0


@dataclass(frozen=True, slots=True)
class Tone:
    """`speed`: how many times faster the sound is played to bring its root to a C, 1 if it has no clear root. `octave`: that of this C,
    None if the checkpoint knows no such tone there. `partials_hz`: those that sound in it at its own speed, ascending."""

    speed: float
    octave: int | None
    partials_hz: tuple[float, ...]


def find(wave: Wave, rate: int, octaves: Sequence[int], multiples: Sequence[float]) -> Tone | None:
    """The tone at the end of a wave (samples,); None for noises and for pitches that glide. `octaves` that the checkpoint knows,
    `multiples`: the partials of such a sound."""
    part = ending(wave, rate)
    peaks = _peaks(part, rate)
    partials_hz = tuple(sorted(hz for hz, _ in peaks))
    size = round(SHARED_S * rate)
    places = range(len(part), min(size, len(part)) - 1, -round(1.7 * size))  # not in step with a siren
    if min(_share(part[max(0, end - size) : end], rate, partials_hz) for end in places) < TONAL:
        return None
    root = key.measure(np.asarray(soxr.resample(part, rate, OUTPUT_RATE, "HQ"), np.float32)[:, None])
    if root.confidence < CONFIDENT:
        return Tone(1.0, None, partials_hz)
    up = (6 - root.pitch) % 12 - 6  # semitones to the nearest C, -6 to 6
    nearest = Tone(2 ** (up / 12), None, partials_hz)
    if not octaves:
        return nearest
    own = _octave(peaks, up, multiples)
    octave = min(octaves, key=lambda known: abs(known - own))
    semitones = up + 12 * (octave - own)
    return Tone(2 ** (semitones / 12), octave, partials_hz) if abs(semitones) <= MOST_SEMITONES else nearest


def ending(wave: Wave, rate: int) -> Wave:
    """The last second of a wave in which it is not much quieter than at its loudest."""
    block = max(1, rate // 20)
    levels = np.array([np.abs(wave[at : at + block]).max(initial=0.0) for at in range(0, len(wave), block)])
    loud = np.flatnonzero(levels > levels.max(initial=0.0) * 10 ** (-AUDIBLE_DB / 20))
    end = (int(loud[-1]) + 1) * block if len(loud) else len(wave)
    part: Wave = wave[:end][-round(LISTENED_S * rate) :]
    return part


def played(wave: Wave, rate: int, speed: float) -> Wave:
    """A wave (samples,) at `speed` times its speed."""
    if abs(speed - 1) < 1e-6:
        return wave
    return np.asarray(soxr.resample(wave, rate * speed, rate, "HQ"), np.float32)


def _share(wave: Wave, rate: int, partials_hz: Sequence[float]) -> float:
    """The share of the power of a short wave that lies at these partials of a longer one: about 1 for a tone that holds its pitch."""
    power = np.abs(np.fft.rfft(wave.astype(np.float64) * np.hanning(len(wave)), FFT_SIZE)) ** 2
    hz = np.arange(len(power)) * rate / FFT_SIZE
    near = np.zeros(len(power), bool)
    for partial in partials_hz:
        near |= np.abs(hz - partial) < APART_HZ
    audible = hz > LOWEST_HZ
    return float(power[near & audible].sum() / max(power[audible].sum(), 1e-20))


def _octave(peaks: Sequence[tuple[float, float]], up: float, multiples: Sequence[float]) -> int:
    """The octave of the C to which `up` semitones bring the root: the highest one whose partials, alone or in a chord, explain nearly as
    much as those of any. `peaks`: frequencies in Hz and powers."""
    power = np.array([power for _, power in peaks])
    explained = []
    for octave in OCTAVES:
        pitch_hz = frequency_of(c_of(octave)) * 2 ** (-up / 12)
        scores = []
        for chord, likely in CHORDS:
            places = np.outer(2 ** (np.array(chord) / 12), multiples).ravel() * pitch_hz
            cents = np.array([np.abs(1200 * np.log2(places / hz)).min() for hz, _ in peaks])
            scores.append(likely * float(power[cents < NEAR_CENTS].sum()))
        heard = any(abs(1200 * np.log2(pitch_hz / hz)) < NEAR_CENTS for hz, _ in peaks)
        explained.append(max(scores) * (1.0 if heard else UNHEARD))
    return max(octave for octave, share in zip(OCTAVES, explained, strict=True) if share >= EXPLAINS * max(explained))


def _peaks(wave: Wave, rate: int) -> list[tuple[float, float]]:
    """The frequency in Hz and the power of each peak, the highest first."""
    part = wave[-rate:].astype(np.float64)
    power = np.abs(np.fft.rfft(part * np.hanning(len(part)), FFT_SIZE)) ** 2
    level = 10 * np.log10(power + 1e-20)
    per_hz = FFT_SIZE / rate
    low, high = round(LOWEST_HZ * per_hz), round(min(HIGHEST_HZ, 0.45 * rate) * per_hz)
    inside = level[1:-1]
    tops = np.flatnonzero((inside > level[:-2]) & (inside >= level[2:])) + 1
    tops = tops[(tops >= low) & (tops < high) & (level[tops] > level.max() - DEEPEST_DB)]
    around = round(150 * per_hz)
    peaks: list[tuple[float, float]] = []
    for top in tops[np.argsort(-level[tops], kind="stable")]:
        hz = float(top / per_hz)
        if any(abs(hz - other) < APART_HZ for other, _ in peaks):
            continue
        if level[top] < np.median(level[max(0, top - around) : top + around + 1]) + CLEAR_DB:
            continue
        peaks.append((hz, float(power[top])))
        if len(peaks) == MOST_PARTIALS:
            break
    return peaks
