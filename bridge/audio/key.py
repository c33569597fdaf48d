"""A tonal clip in the key that was asked for: its root is measured, then the whole is played higher or lower by the nearest way.

How it is called, by the shaper, when a key was asked for, before trimming, fades and level, and before `conform` (nothing is
measured, and nothing heavy imported, unless it is called):

    if prompt.key:
        retuned = retune(samples_at_48_khz, key_of(prompt.key), keep_length=prompt.loop or prompt.bars > 0, loop=prompt.loop)

Only the root is brought to the key's root: a major chord stays a major one. `remark` is "" if all is as asked, else a sentence
for the reply.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr

from bridge.audio.beats import Curve, Samples, attacks, mono
from bridge.audio.stretch import pitch_shift
from bridge.domain.clip import OUTPUT_RATE
from bridge.domain.musical_keys import Key
from bridge.domain.notes import NAMES, frequency_of

MIN_ROOT_CONFIDENCE = 0.5  # confidence below which nothing is retuned
IN_TUNE_CENTS = 4.0  # nearer than one hears
CANNOT_RETUNE = "Without python-stretch no loop can be retuned (pip install python-stretch); its pitch is as it came."
LOWEST_C, OCTAVES = 24, 7  # MIDI: 32.7 to 4186 Hz
STEPS = 120  # an octave: 10 cents each
FFT_SIZE = 1 << 15  # frames: 0.7 s, bins of 1.5 Hz
PARTIALS = 8
CHORDS = ((0,), (0, 7), (0, 4, 7), (0, 3, 7))  # semitones above the root
CLEAR = 0.15  # how much better than the next root the best one fits, if it is sure
TONAL = 0.3  # the share of a spectrum that stands out of its surroundings, if it is surely a tone


@dataclass(frozen=True, slots=True)
class Root:
    """`pitch`: semitones above C, in 0…12, with cents as its fraction. `confidence` 0…1."""

    pitch: float
    confidence: float

    @property
    def name(self) -> str:
        """The name of the nearest pitch class, "c#"; "" if nothing was found."""
        return NAMES[round(self.pitch) % 12] if self.confidence > 0 else ""


@dataclass(frozen=True, slots=True)
class Retuned:
    """`samples`; `root`: the name of what was measured, "" if nothing was; `cents`: by how much it was played higher, 0 for a
    clip that was not retuned; `confidence` of the measurement, 0…1."""

    samples: Samples
    root: str
    cents: float
    confidence: float
    remark: str


def retune(samples: Samples, key: Key, keep_length: bool, loop: bool = False) -> Retuned:
    """Bring (frames, 1 or 2 channels) at 48 kHz, without NaN, to the root of `key`, at most 6 semitones up or down.

    `keep_length`: at the same length, by stretching; else it is played faster or slower, and gets shorter or longer."""
    samples = np.asarray(samples, np.float32)
    found = measure(samples)
    if found.confidence < MIN_ROOT_CONFIDENCE:
        why = "No clear root was found in the clip, so its pitch is as it came."
        return Retuned(samples, found.name, 0.0, found.confidence, why)
    cents = 100 * ((key.root - found.pitch + 6) % 12 - 6)
    if abs(cents) < IN_TUNE_CENTS:
        return Retuned(samples, found.name, 0.0, found.confidence, "")
    if keep_length:
        try:
            out = pitch_shift(samples, cents, attacks(samples).tolist(), loop)
        except ImportError:
            return Retuned(samples, found.name, 0.0, found.confidence, CANNOT_RETUNE)
    else:
        out = np.asarray(soxr.resample(samples, OUTPUT_RATE * 2 ** (cents / 1200), OUTPUT_RATE, "HQ"), np.float32)
    return Retuned(out, found.name, cents, found.confidence, "")


def measure(samples: Samples) -> Root:
    """The root of a tone, of a chord or of what circles around one: (frames, channels) at 48 kHz.

    The spectrum, folded into one octave, is compared with that of a tone, a fifth, a major and a minor chord at each pitch."""
    spectrum = _spectrum(mono(samples))
    pitches = LOWEST_C + np.arange(OCTAVES * STEPS) * 12 / STEPS
    bins = 440.0 * 2 ** ((pitches - 69) / 12) * FFT_SIZE / OUTPUT_RATE
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


def _spectrum(wave: Samples) -> Curve:
    """The amplitudes of the whole clip, from 0 Hz on in bins of 1.5 Hz: loud moments count most."""
    size = min(FFT_SIZE, max(64, len(wave)))
    padded = np.pad(wave, (size // 4, size))
    shape = np.hanning(size).astype(np.float32)
    power = np.zeros(FFT_SIZE // 2 + 1)
    for at in range(0, max(1, len(wave) - size // 4), size // 2):
        power += np.square(np.abs(np.fft.rfft(padded[at : at + size] * shape, FFT_SIZE)), dtype=np.float64)
    return np.sqrt(power)


def _fit(profile: Curve, chord: tuple[int, ...]) -> Curve:
    """How much the profile is like that of the chord at each root of STEPS an octave: the cosine."""
    template = np.zeros(STEPS)
    for semitones in chord:
        for partial in range(1, PARTIALS + 1):
            place = (semitones / 12 + np.log2(partial)) * STEPS
            away = (np.arange(STEPS) - place + STEPS / 2) % STEPS - STEPS / 2
            template += 0.7 ** (partial - 1) * np.exp(-0.5 * (away / 2.5) ** 2)
    products = np.fft.irfft(np.fft.rfft(profile) * np.conj(np.fft.rfft(template)), STEPS)
    return products / (np.linalg.norm(profile) * np.linalg.norm(template) + 1e-12)


def _fine(spectrum: Curve, root: float) -> float:
    """The root to a cent: the mean of the peaks within 45 cents of it in all octaves, by their height."""
    total = weight = 0.0
    for octave in range(OCTAVES):
        middle = LOWEST_C + 12 * octave + root
        low, high = (round(frequency_of(middle + off) * FFT_SIZE / OUTPUT_RATE) for off in (-0.45, 0.45))
        if low < 2 or high - low < 2 or high + 2 > len(spectrum):
            continue
        top = low + int(spectrum[low : high + 1].argmax())
        left, here, right = np.log(spectrum[top - 1 : top + 2] + 1e-12)
        if not (here >= left and here >= right and 2 * here - left - right > 1e-9):
            continue
        place = top + 0.5 * (right - left) / (2 * here - left - right)
        off = 69 + 12 * np.log2(place * OUTPUT_RATE / FFT_SIZE / 440) - middle
        total, weight = total + float(off * spectrum[top]), weight + float(spectrum[top])
    return root + total / weight if weight else root
