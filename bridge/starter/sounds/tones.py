"""Tones: (rng, attributes, n samples) → n samples. All play a C; the octave is in the attributes.

One pitch class for all: a small model that meets each harmonic at the same place learns clean tones, and the engine
retunes to the note that was asked for.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter1d

from bridge.starter.sounds.parts import (
    SAMPLE_RATE,
    Attributes,
    Wave,
    decay,
    distorted,
    filtered,
    harmonics,
    hold,
    hz_of_c,
    mix,
    modes,
    oscillator,
    scale,
    seconds_of,
    sine,
    white,
)

Random = np.random.Generator
# Multiples of the pitch.
DRAWBARS = {0.5: 0.6, 1.0: 1.0, 1.5: 0.5, 2.0: 0.8, 3.0: 0.4, 4.0: 0.45, 6.0: 0.25, 8.0: 0.3}  # with their levels
BELL = (0.5, 1.0, 1.19, 1.5, 2.0, 2.51, 2.66, 3.01, 4.1, 5.43, 6.8)
MALLET = (1.0, 3.98, 9.2)
LEVELLED_S = 0.025  # seconds of a window of `levelled`
CHORDS = {"single": (0,), "fifth": (0, 7), "major": (0, 4, 7), "minor": (0, 3, 7)}


def _total(n: int) -> float:
    return n / SAMPLE_RATE


def held(a: Attributes, n: int, shortest: float) -> float:
    """The seconds of a held note: to the end of the clip, unless a short one is requested."""
    whole = max(_total(n) - 0.01, 0.1)
    return whole if a.length > -0.3 else max(0.1, min(shortest * scale(1.0, 2.0, 2 * a.length + 1.6), whole))


def levelled(y: Wave) -> Wave:
    """`y` at a level of 1 (root mean square), so that voices may beat in their timbre without swelling and fading together. Where they
    cancel, it is raised by 12 dB at most."""
    window = int(LEVELLED_S * SAMPLE_RATE)  # used twice: a triangle of twice its length
    power = uniform_filter1d(uniform_filter1d(y.astype(np.float64) ** 2, window), window)
    least = 0.0625 * float(np.median(power)) + 1e-12
    return (y / np.sqrt(np.maximum(power, least))).astype(np.float32)


def bass(rng: Random, a: Attributes, n: int) -> Wave:
    """A synth bass whose filter closes while it rings. Made at C3 to be played at half speed or slower, so all of it is quick and
    bright."""
    f = hz_of_c(a.octave)
    ring = scale(0.12, 1.2, a.length) * (0.5 if a.octave >= 3 else 1.0)
    dark = oscillator(f, harmonics(a.wave, mix(-0.7, 0.1, a.brightness)), n)
    bright = oscillator(f, harmonics(a.wave, mix(0.0, 1.0, a.brightness)), n)
    return distorted((dark + (bright - dark) * decay(n, ring * 0.3)) * decay(n, ring, 0.004), a.distortion)


def sub(rng: Random, a: Attributes, n: int) -> Wave:
    """A sub bass: hardly more than a held sine."""
    f = hz_of_c(a.octave)
    y = sine(f, n) + scale(0.01, 0.12, a.brightness) * sine(2 * f, n)
    return distorted(y * hold(n, held(a, n, 0.25), 0.006, 0.03), min(a.distortion, 0.5))


def pluck(rng: Random, a: Attributes, n: int) -> Wave:
    """A plucked string: harmonics shaped by the plucking point; the high ones decay first."""
    f = hz_of_c(a.octave)
    k = np.arange(1, 41)
    place, ring = rng.uniform(0.1, 0.4), scale(0.08, 0.6, a.length)
    gains = np.sin(np.pi * k * place) / k ** scale(1.9, 0.9, a.brightness)
    y = modes(f * k, ring / (0.8 + 0.22 * k), gains, n)
    return distorted(y + filtered(white(rng, n), "high", 2_000) * decay(n, 0.002) * 0.05, a.distortion)


def pad(rng: Random, a: Attributes, n: int) -> Wave:
    """A pad: saws that swell and hold. One at the pitch is louder than the two beside it, so that the pitch is clear."""
    y = np.zeros(n, dtype=np.float32)
    amplitudes = harmonics("saw", mix(-1.0, 0.35, a.brightness))
    for semitones in CHORDS[a.chord]:
        for detune, level in ((-0.0035, 0.6), (0.0, 1.0), (0.003, 0.6)):
            f = hz_of_c(a.octave) * 2 ** (semitones / 12) * (1 + detune)
            y += np.float32(level) * oscillator(f, amplitudes, n, rng.random())
    whole = _total(n)
    rise = min(rng.uniform(0.1, 0.25), 0.1 * whole)
    return distorted(levelled(y), a.distortion) * hold(n, whole, rise, release_s(n))


def throughout(n: int, rise_s: float) -> Wave:
    """The level of a sound that fills its clip of n samples and begins softly."""
    return hold(n, _total(n), min(rise_s, 0.1 * _total(n)), release_s(n))


def release_s(n: int) -> float:
    """The seconds in which a sound that fills its clip of n samples ends."""
    return min(0.15, 0.05 * _total(n))


def lead(rng: Random, a: Attributes, n: int) -> Wave:
    """A held synth lead with a delayed vibrato."""
    t = seconds_of(n)
    f = hz_of_c(a.octave) * (1 + 0.005 * np.sin(2 * np.pi * 5.5 * t) * np.clip((t - 0.25) * 3, 0, 1))
    y = oscillator(f, harmonics(a.wave, mix(-0.2, 1.0, a.brightness)), n)
    return distorted(
        y * hold(n, held(a, n, 0.25), 0.006, min(0.05, release_s(n))) * (0.85 + 0.15 * np.exp(-t / 0.12)), a.distortion
    )


def organ(rng: Random, a: Attributes, n: int) -> Wave:
    """Drawbars: sines at the footages of a tonewheel organ, with a key click."""
    f = hz_of_c(a.octave)
    y = np.zeros(n, dtype=np.float32)
    for footage, level in DRAWBARS.items():
        lift = scale(0.3, 1.8, a.brightness) if footage > 1.5 else 1.0
        y += np.float32(level * lift) * sine(footage * f, n, rng.random())
    y += filtered(white(rng, n), "high", 3_000) * decay(n, 0.003) * 0.15
    return distorted(y * hold(n, held(a, n, 0.3), 0.006, min(0.05, release_s(n))), a.distortion)


def bell(rng: Random, a: Attributes, n: int) -> Wave:
    """A bell: inharmonic partials of a church bell (hum, prime, tierce, quint, nominal …) over a long ring."""
    f = hz_of_c(a.octave)
    ratios = np.array(BELL)
    gains = np.array([0.35, 1.0, 0.55, 0.3, 0.7, 0.35, 0.35, 0.3, 0.25, 0.2, 0.15])
    gains = gains * scale(0.55, 1.35, a.brightness) ** np.maximum(0, np.arange(11) - 3)
    ring = scale(0.25, 1.5, a.length)
    return modes(f * ratios, ring / (0.7 + 0.3 * ratios), gains * (1 + 0.1 * rng.normal(size=11)), n)


def mallet(rng: Random, a: Attributes, n: int) -> Wave:
    """A marimba bar: the tone, its tuned double octave and a soft or hard mallet."""
    f = hz_of_c(a.octave)
    ring = scale(0.10, 0.5, a.length)
    gains = np.array([1.0, 0.30 * scale(0.5, 2.2, a.brightness), 0.10 * scale(0.3, 2.5, a.brightness)])
    y = modes(f * np.array(MALLET), ring * np.array([1.0, 0.3, 0.12]), gains, n)
    return y + filtered(white(rng, n), "low", scale(800, 4_000, a.force)) * decay(n, 0.004) * 0.25


def strings(rng: Random, a: Attributes, n: int) -> Wave:
    """Bowed strings: saws through a body, each with its own vibrato, and the noise of the bow."""
    t = seconds_of(n)
    y = np.zeros(n, dtype=np.float32)
    amplitudes = harmonics("saw", mix(-0.3, 0.8, a.brightness))
    for number in range(5):
        depth, rate, phase = rng.uniform(0.002, 0.005), rng.uniform(4.5, 6.5), 6.28 * rng.random()
        pitch = hz_of_c(a.octave) * (1 + depth * np.sin(2 * np.pi * rate * t + phase))
        y += np.float32(1.0 if number == 0 else 0.6) * oscillator(pitch, amplitudes, n, rng.random())
    y = y + 1.2 * filtered(y, "band", 1_100, 1.5) + 0.8 * filtered(y, "band", 2_800, 2.0)
    y += filtered(white(rng, n), "band", 3_500, 0.7) * 0.25 * float(np.abs(y).mean())
    return distorted(levelled(y), a.distortion) * hold(n, held(a, n, 0.4), min(0.09, 0.1 * _total(n)), release_s(n))


def stab(rng: Random, a: Attributes, n: int) -> Wave:
    """A chord stab: saws in a chord behind a filter that snaps shut."""
    dark, bright = harmonics("saw", mix(-0.8, -0.1, a.brightness)), harmonics("saw", mix(0.2, 1.0, a.brightness))
    low, high = np.zeros(n, dtype=np.float32), np.zeros(n, dtype=np.float32)
    for semitones in CHORDS[a.chord]:
        f, phase = hz_of_c(a.octave) * 2 ** (semitones / 12), rng.random()
        low += oscillator(f * 0.998, dark, n, phase) + oscillator(f * 1.002, dark, n, phase)
        high += oscillator(f * 0.998, bright, n, phase) + oscillator(f * 1.002, bright, n, phase)
    ring = scale(0.08, 0.4, a.length)
    return distorted((low + (high - low) * decay(n, ring * 0.4)) * decay(n, ring, 0.002), a.distortion)
