"""Measures of sounds: length, brightness, pitch, distance, buzz, attack. Waves are mono float32 at 44.1 kHz."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from bridge.domain.notes import frequency_of
from bridge.starter.sounds.parts import SAMPLE_RATE, Wave

WINDOW, STRIDE = 2_048, 512


def spectra(wave: Wave, window: int = WINDOW, stride: int = STRIDE) -> NDArray[np.float32]:
    """Magnitudes of shape (bins, frames)."""
    x = torch.from_numpy(np.array(wave, dtype=np.float32))
    magnitude = torch.stft(x, window, stride, window, torch.hann_window(window), return_complex=True).abs()
    return np.asarray(magnitude.numpy(), dtype=np.float32)


def sounding_seconds(wave: Wave, below_db: float = -30.0) -> float:
    """Seconds until the energy stays `below_db` below its maximum."""
    energy = (spectra(wave) ** 2).sum(0)
    loud = np.flatnonzero(energy > energy.max() * 10 ** (below_db / 10))
    return float((loud[-1] + 1) * STRIDE / SAMPLE_RATE)


def centroid_octaves(wave: Wave) -> float:
    """The spectral centroid: the mean of log2(frequency) weighted by energy, in octaves above 1 Hz."""
    power = (spectra(wave) ** 2).sum(1)[1:]
    frequencies = np.arange(1, len(power) + 1) * SAMPLE_RATE / WINDOW
    return float((power * np.log2(frequencies)).sum() / (power.sum() + 1e-12))


def share_above(wave: Wave, hz: float) -> float:
    """The share of the energy above `hz`, 0 to 1."""
    power = (spectra(wave) ** 2).sum(1)
    return float(power[int(hz * WINDOW / SAMPLE_RATE) :].sum() / (power.sum() + 1e-12))


def log_spectral_distance_db(wave: Wave, reference: Wave) -> float:
    """Root mean square over frequency of the difference in dB, mean over the frames of `reference` within 50 dB of its
    loudest. Levels below −70 dB count as −70 dB. FFTs of 1,024 points every 160 samples."""
    a, b = spectra(reference, 1_024, 160), spectra(wave, 1_024, 160)
    floor = a.max() * 10 ** (-70 / 20)
    difference = 20 * np.log10(np.maximum(a, floor)) - 20 * np.log10(np.maximum(b, floor))
    active = a.max(0) > a.max() * 10 ** (-50 / 20)
    return float(np.sqrt((difference**2).mean(0))[active].mean())


def buzz(wave: Wave, stride: int = STRIDE) -> float:
    """The autocorrelation of the sound, differentiated twice to stress high frequencies, at one and two vocoder frames: 0 to 1.
    A vocoder that repeats itself every frame buzzes."""
    y = np.diff(wave, 2).astype(np.float64)
    values = [
        float((y[lag:] * y[:-lag]).sum() / (np.sqrt((y[lag:] ** 2).sum() * (y[:-lag] ** 2).sum()) + 1e-9))
        for lag in (stride, 2 * stride)
    ]
    return max(values)


def before_attack_db(wave: Wave, milliseconds: int = 20) -> float:
    """The mean energy in the 20 ms before the attack relative to the 20 ms after it, in dB; −120 if there is no sound before.
    The attack is the first sample above a quarter of the peak."""
    size = SAMPLE_RATE * milliseconds // 1000
    at = int(np.argmax(np.abs(wave) > 0.25 * np.abs(wave).max()))
    guard = max(0, at - SAMPLE_RATE // 1000)  # the rise itself takes up to a millisecond
    before, after = wave[max(0, guard - size) : guard], wave[at : at + size]
    if not before.size:
        return -120.0
    return float(10 * np.log10((before**2).sum() / size / ((after**2).mean() + 1e-12) + 1e-12))


def pitch_midi(wave: Wave, low: int = 20, high: int = 100) -> float:
    """The fundamental as a MIDI number with fractions, anywhere between `low` and `high`.

    Harmonic sum with what lies between the harmonics taken off, so that an octave below does not win.
    """
    at = int(np.argmax(np.abs(wave) > 0.1 * np.abs(wave).max()))
    part = wave[at + int(0.03 * SAMPLE_RATE) :][: int(0.8 * SAMPLE_RATE)]
    size = 1 << 17
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), size))
    level = np.log(spectrum / (spectrum.max() + 1e-9) + 1e-3) - np.log(1e-3)
    midi = np.arange(low, high, 0.05)
    f = np.array([frequency_of(float(number)) for number in midi])
    score = np.zeros(len(midi))
    for number in range(1, 9):
        for factor, sign in ((number, 1.0), (number - 0.5, -0.6)):
            bins = np.minimum(np.round(f * factor * size / SAMPLE_RATE).astype(int), len(level) - 1)
            score += sign * 0.85 ** (number - 1) * level[bins]
    return float(midi[np.argmax(score)])


def folded(semitones: NDArray[np.floating]) -> NDArray[np.floating]:
    """Distances in semitones modulo octaves: −6 to 6."""
    return np.asarray((semitones + 6) % 12 - 6)


def spread(images: NDArray[np.float32]) -> float:
    """The mean distance between two of several spectrograms (n, frames, bands)."""
    pairs = [np.abs(images[i] - images[j]).mean() for i in range(len(images)) for j in range(i)]
    return float(np.mean(pairs))
