"""How far a tone is from the note that it should be. Waves are mono float32 at 44.1 kHz."""

from __future__ import annotations

import numpy as np
import soxr

from bridge.audio import key
from bridge.domain.clip import OUTPUT_RATE
from bridge.domain.notes import frequency_of
from bridge.starter import measures
from bridge.starter.catalogue import BY_NAME
from bridge.starter.sounds.parts import SAMPLE_RATE, Wave

FFT = 1 << 18
NEAR_CENTS = 45.0  # voices that are further from the pitch are another note
HARMONICS = 8
STEADY_S = (0.03, 1.2)  # seconds after the attack
LOWEST_MIDI = 20
# Sounds whose spectrum is that of a tone an octave below the note they play: drawbars, a hum, a power chord, an oscillator.
OCTAVE_BELOW = ("organ", "bell", "electric_guitar", "hoover")


def off_cents(wave: Wave, sound: str, midi: float) -> float:
    """Cents from the note `midi` to what a sound of this name plays, octaves included; of a sound that plays chords, cents of the root
    in whatever octave."""
    if BY_NAME[sound].chords:
        return root_cents(wave, midi)
    below = 12.0 if sound in OCTAVE_BELOW else 0.0
    coarse = measures.pitch_midi(wave, LOWEST_MIDI - round(below)) + below
    if abs(coarse - midi) > 1:
        return float(100 * (coarse - midi))
    return 100 * (coarse - midi) + middle_cents(wave, coarse - below)


def root_cents(wave: Wave, midi: float) -> float:
    """Cents from the note `midi` to the root of a chord, at most half an octave."""
    found = key.measure(soxr.resample(wave, SAMPLE_RATE, OUTPUT_RATE).astype(np.float32)[:, None]).pitch
    return float(100 * ((found - midi + 6) % 12 - 6))


def middle_cents(wave: Wave, midi: float) -> float:
    """Cents from `midi` to the middle of the voices within NEAR_CENTS of it, weighted by their power, each harmonic as much as its
    loudness: several detuned voices are heard between their pitches."""
    at = int(np.argmax(np.abs(wave) > 0.1 * np.abs(wave).max()))
    part = wave[at + round(STEADY_S[0] * SAMPLE_RATE) : at + round(STEADY_S[1] * SAMPLE_RATE)]
    power = np.abs(np.fft.rfft(part * np.hanning(len(part)), FFT)) ** 2
    middles, weights = [], []
    for number in range(1, HARMONICS + 1):
        hz = number * frequency_of(midi)
        low, high = (int(hz * 2 ** (side * NEAR_CENTS / 1_200) * FFT / SAMPLE_RATE) for side in (-1, 1))
        bins = np.arange(max(low, 1), high + 2)
        if bins[-1] >= len(power):
            break
        near = power[bins]
        cents = 1_200 * np.log2(bins * SAMPLE_RATE / FFT / hz)
        middles.append(float(cents @ near / (near.sum() + 1e-20)))
        weights.append(number * float(np.sqrt(near.sum())))  # a higher harmonic says more exactly where the pitch is
    return float(np.average(middles, weights=weights)) if sum(weights) > 0 else 0.0
