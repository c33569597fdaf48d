"""Plucked strings: (rng, attributes, n samples) → n samples at a C, as in tones.py."""

from __future__ import annotations

import numpy as np

from bridge.starter.sounds.parts import (
    SAMPLE_RATE,
    Attributes,
    Wave,
    decay,
    distorted,
    filtered,
    hz_of_c,
    modes,
    scale,
    white,
)
from bridge.starter.sounds.sound import TONE, sound

Random = np.random.Generator


def guitar(rng: Random, a: Attributes, n: int) -> Wave:
    """An acoustic guitar: a string whose harmonics come from near the bridge, the body's two resonances, and the finger."""
    f, ring = hz_of_c(a.octave), scale(0.25, 1.1, a.length)
    k = np.arange(1, 41)
    gains = np.sin(np.pi * k * rng.uniform(0.15, 0.25)) / k ** scale(1.5, 0.9, a.brightness)
    y = modes(f * k * np.sqrt(1 + 0.00008 * k * k), ring / (0.75 + 0.25 * k), gains, n)
    body = 0.6 * filtered(y, "band", 105, 4.0) + 0.8 * filtered(y, "band", 205, 4.0)
    finger = filtered(white(rng, n), "band", 2_800, 0.8) * decay(n, 0.006) * 0.25 * float(np.abs(y).max())
    return distorted(y + body + finger, a.distortion)


def electric_guitar(rng: Random, a: Attributes, n: int) -> Wave:
    """A distorted power chord: root, fifth and octave through an amplifier and its speaker."""
    f, ring = hz_of_c(a.octave), scale(0.4, 2.2, a.length)
    k = np.arange(1, 31)
    y = np.zeros(n, dtype=np.float32)
    for ratio in (1.0, 1.5, 2.0):
        y += modes(f * ratio * k, ring / (0.8 + 0.2 * k), np.sin(np.pi * k * rng.uniform(0.1, 0.2)) / k, n)
    driven = np.tanh(12 * y / (np.abs(y).max() + 1e-9)).astype(np.float32) * decay(n, ring * 1.5, 0.001)
    cabinet = filtered(filtered(driven, "low", scale(3_000, 6_000, a.brightness), 0.8, 2), "high", 80)
    return cabinet + 0.6 * filtered(cabinet, "band", 2_200, 1.5)


def harp(rng: Random, a: Attributes, n: int) -> Wave:
    """A harp or koto: a string plucked at its middle, round and long."""
    f, ring = hz_of_c(a.octave), scale(0.4, 1.6, a.length)
    k = np.arange(1, 21)
    gains = np.abs(np.sin(np.pi * k * 0.48)) / k ** scale(2.4, 1.4, a.brightness)
    y = modes(f * k, ring / (0.6 + 0.4 * k), gains, n)
    return distorted(y + filtered(white(rng, n), "low", 1_500) * decay(n, 0.004) * 0.06, a.distortion)


def sitar(rng: Random, a: Attributes, n: int) -> Wave:
    """A sitar or banjo: a string that buzzes against its bridge, with harmonics that sweep downwards."""
    f, ring = hz_of_c(a.octave), scale(0.3, 1.2, a.length)
    k = np.arange(1, 51)
    late = 0.12 * (1 - k / 50)  # seconds after which the buzz has come down to a harmonic
    y = modes(f * k, ring / (0.9 + 0.1 * k), np.ones(50) / k ** scale(0.9, 0.4, a.brightness), n)
    buzz = np.zeros(n, dtype=np.float32)
    for number in range(4, 46, 3):
        chosen = k[number : number + 3]
        start = min(n - 1, int(late[number] * SAMPLE_RATE))
        buzz[start:] += modes(f * chosen, 0.5 * ring / (0.7 + 0.08 * chosen), 0.4 / np.sqrt(chosen), n - start)
    return distorted(y / (np.abs(y).max() + 1e-9) + buzz, a.distortion)


SOUNDS = (
    sound("guitar", guitar, "guitar, acoustic guitar, guitar pluck, guitar note, nylon guitar, steel guitar, ukulele, strum", fits=TONE, octaves=(3, 4)),
    sound("electric_guitar", electric_guitar, "electric guitar, power chord, distorted guitar, guitar riff, metal guitar, rock guitar", fits="brightness length", octaves=(3,)),
    sound("harp", harp, "harp, koto, lyre, zither, celtic harp, kora", fits=TONE, octaves=(4, 5)),
    sound("sitar", sitar, "sitar, banjo, oud, shamisen, lute", fits=TONE, octaves=(3, 4)),
)  # fmt: skip
