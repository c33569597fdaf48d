"""Bring a tonal clip to the requested key: measure its root, then transpose the clip by the shortest interval.

The shaper calls `retune` before `conform`, trimming, fades and level. Only the root changes: a major chord stays major.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr

from bridge.audio.beats import Curve, attacks, mono
from bridge.audio.stretch import Samples, pitch_shift
from bridge.domain.clip import OUTPUT_RATE
from bridge.domain.musical_keys import Key
from bridge.domain.notes import NAMES, frequency_of

MIN_ROOT_CONFIDENCE = 0.5  # with less confidence a clip is not retuned
IN_TUNE_CENTS = 4.0  # smaller deviations are inaudible
CANNOT_RETUNE = "The clip keeps its own pitch: retuning a loop requires python-stretch (pip install python-stretch)."
LOWEST_C, OCTAVES = 24, 7  # MIDI: 32.7 to 4186 Hz
STEPS = 120  # per octave: 10 cents each
ROOT_FFT_SIZE = 1 << 15  # frames: 0.7 s, bins of 1.5 Hz
CHORD_PARTIALS = 8
CHORDS = ((0,), (0, 7), (0, 4, 7), (0, 3, 7))  # semitones above the root
CLEAR = 0.15  # full confidence if the best root fits this much better than the next
TONAL = 0.3  # full confidence if this share of the spectrum stands out from its surroundings


@dataclass(frozen=True, slots=True)
class Root:
    """`pitch`: semitones above C, 0 to 12, with cents as the fraction. `confidence`: 0 to 1."""

    pitch: float
    confidence: float

    @property
    def name(self) -> str:
        """The name of the nearest pitch class, "c#"; "" if no root was found."""
        return NAMES[round(self.pitch) % 12] if self.confidence > 0 else ""


@dataclass(frozen=True, slots=True)
class Retuned:
    """`root`: the name of the measured root, "" if none was found. `cents`: the transposition, 0 if the clip was not retuned.
    `confidence`: of the measurement, 0 to 1. `remark`: "" or a sentence about what was not possible."""

    samples: Samples
    root: str
    cents: float
    confidence: float
    remark: str


def retune(samples: Samples, key: Key, keep_length: bool, loop: bool = False) -> Retuned:
    """Transpose `samples`, (frames, 1 or 2 channels) at 48 kHz without NaN, to the root of `key`, at most 6 semitones up or
    down.

    `keep_length`: keep the length, by stretching; otherwise play faster or slower, which changes the length."""
    samples = np.asarray(samples, np.float32)
    root = measure(samples)
    if root.confidence < MIN_ROOT_CONFIDENCE:
        why = "No clear root was found in the clip, so it keeps its own pitch."
        return Retuned(samples, root.name, 0.0, root.confidence, why)
    cents = 100 * ((key.root - root.pitch + 6) % 12 - 6)
    if abs(cents) < IN_TUNE_CENTS:
        return Retuned(samples, root.name, 0.0, root.confidence, "")
    if keep_length:
        try:
            out = pitch_shift(samples, cents, attacks(samples).tolist(), loop)
        except ImportError:
            return Retuned(samples, root.name, 0.0, root.confidence, CANNOT_RETUNE)
    else:
        out = np.asarray(soxr.resample(samples, OUTPUT_RATE * 2 ** (cents / 1200), OUTPUT_RATE, "HQ"), np.float32)
    return Retuned(out, root.name, cents, root.confidence, "")


def measure(samples: Samples) -> Root:
    """The root of a tone, a chord or a phrase. `samples`: (frames, channels) at 48 kHz."""
    return root_in(amplitudes(mono(samples)))


def root_in(spectrum: Curve) -> Root:
    """The root in a spectrum of `amplitudes`. Compares it, folded into one octave, with that of a tone, a fifth, a major and a
    minor chord at each pitch."""
    pitches = LOWEST_C + np.arange(OCTAVES * STEPS) * 12 / STEPS
    bins = 440.0 * 2 ** ((pitches - 69) / 12) * ROOT_FFT_SIZE / OUTPUT_RATE
    line = np.interp(bins, np.arange(len(spectrum)), spectrum)
    if not line.max(initial=0.0) > 1e-6:
        return Root(0.0, 0.0)
    half = STEPS // 4
    around = np.lib.stride_tricks.sliding_window_view(np.pad(line, half, mode="edge"), 2 * half + 1)
    peaks = np.maximum(line - 1.5 * np.median(around, axis=1), 0.0)
    tonal = float(peaks.sum() / line.sum())
    if not peaks.max() > 0:
        return Root(0.0, 0.0)
    profile = np.sqrt(peaks / peaks.max()).reshape(OCTAVES, STEPS).sum(axis=0)
    fit = np.max([_fit(profile, chord) for chord in CHORDS], axis=0)
    best = int(fit.argmax())
    apart = np.abs((np.arange(STEPS) - best + STEPS // 2) % STEPS - STEPS // 2)
    clear = float(fit[best] - fit[apart > 6].max())
    confidence = min(1.0, clear / CLEAR) * min(1.0, tonal / TONAL)
    return Root(_fine(spectrum, best * 12 / STEPS) % 12, max(0.0, confidence))


def amplitudes(wave: Samples) -> Curve:
    """The amplitude spectrum of the whole clip in bins of 1.5 Hz; loud moments weigh most."""
    size = min(ROOT_FFT_SIZE, max(64, len(wave)))
    padded = np.pad(wave, (size // 4, size))
    shape = np.hanning(size).astype(np.float32)
    power = np.zeros(ROOT_FFT_SIZE // 2 + 1)
    for at in range(0, max(1, len(wave) - size // 4), size // 2):
        power += np.square(np.abs(np.fft.rfft(padded[at : at + size] * shape, ROOT_FFT_SIZE)), dtype=np.float64)
    return np.sqrt(power)


def _fit(profile: Curve, chord: tuple[int, ...]) -> Curve:
    """The cosine similarity of `profile` and the profile of `chord`, at each of STEPS roots."""
    template = np.zeros(STEPS)
    for semitones in chord:
        for partial in range(1, CHORD_PARTIALS + 1):
            place = (semitones / 12 + np.log2(partial)) * STEPS
            away = (np.arange(STEPS) - place + STEPS / 2) % STEPS - STEPS / 2
            template += 0.7 ** (partial - 1) * np.exp(-0.5 * (away / 2.5) ** 2)
    products = np.fft.irfft(np.fft.rfft(profile) * np.conj(np.fft.rfft(template)), STEPS)
    return products / (np.linalg.norm(profile) * np.linalg.norm(template) + 1e-12)


def peak_in(spectrum: Curve, low: int, high: int) -> tuple[float, float] | None:
    """The frequency in Hz, between two bins, and the height of the highest peak from bin `low` to `high`; None if the spectrum only
    rises or falls there. `spectrum`: of `amplitudes`."""
    top = low + int(spectrum[low : high + 1].argmax())
    left, here, right = np.log(spectrum[top - 1 : top + 2] + 1e-12)
    if not (here >= left and here >= right and 2 * here - left - right > 1e-9):
        return None
    place = top + 0.5 * (right - left) / (2 * here - left - right)
    return float(place * OUTPUT_RATE / ROOT_FFT_SIZE), float(spectrum[top])


def _fine(spectrum: Curve, root: float) -> float:
    """The root to a cent: the mean, weighted by height, of the peaks within 45 cents of it in all octaves."""
    total = weight = 0.0
    for octave in range(OCTAVES):
        middle = LOWEST_C + 12 * octave + root
        low, high = (round(frequency_of(middle + off) * ROOT_FFT_SIZE / OUTPUT_RATE) for off in (-0.45, 0.45))
        if low < 2 or high - low < 2 or high + 2 > len(spectrum):
            continue
        if (peak := peak_in(spectrum, low, high)) is None:
            continue
        hz, height = peak
        off = 69 + 12 * np.log2(hz / 440) - middle
        total, weight = total + float(off * height), weight + height
    return root + total / weight if weight else root
