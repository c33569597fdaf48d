"""Kinds of sounds that the starter does not know, to measure how well its VAE holds what it was not trained on. Mono, 44.1 kHz."""

from __future__ import annotations

import numpy as np

from bridge.starter.sounds.parts import SAMPLE_RATE, Attributes, Wave, decay, filtered, seconds_of, sine, white
from bridge.starter.sounds.sound import Sound, sound

FORMANTS_HZ = {"a": (730, 1_090, 2_440), "i": (270, 2_290, 3_010), "o": (570, 840, 2_410)}


def fm_clang(rng: np.random.Generator, a: Attributes, n: int) -> Wave:
    """Metal by frequency modulation: an irrational ratio, and an index that falls."""
    hz, ratio = float(rng.uniform(180, 700)), float(rng.uniform(1.3, 3.7))
    index = rng.uniform(3, 9) * decay(n, 0.25)
    return sine((hz + hz * ratio * index * sine(hz * ratio, n)).astype(np.float32), n) * decay(n, 0.5)


def grains(rng: np.random.Generator, a: Attributes, n: int) -> Wave:
    """Bursts of filtered noise, 20 to 60 ms each, at random places and pitches."""
    out = np.zeros(n, dtype=np.float32)
    for _ in range(round(n / SAMPLE_RATE * 14)):
        size = int(rng.uniform(0.02, 0.06) * SAMPLE_RATE)
        at = int(rng.integers(0, max(1, n - size)))
        grain = filtered(white(rng, size), "band", float(rng.uniform(400, 6_000)), 6.0) * np.hanning(size)
        out[at : at + size] += grain[: n - at].astype(np.float32)
    return out


def syllables(rng: np.random.Generator, a: Attributes, n: int) -> Wave:
    """A buzz whose vowel changes four times a second, as in speech."""
    hz = float(rng.uniform(90, 220)) * (1 + 0.1 * sine(2.3, n))
    phase = np.cumsum(hz) / SAMPLE_RATE
    buzz = (2 * (phase % 1) - 1).astype(np.float32)
    out, size = np.zeros(n, dtype=np.float32), SAMPLE_RATE // 4
    for at in range(0, n, size):
        part = buzz[at : at + size]
        vowel = FORMANTS_HZ[str(rng.choice(list(FORMANTS_HZ)))]
        spoken = sum(filtered(part, "band", float(formant), 9.0) / (k + 1) for k, formant in enumerate(vowel))
        out[at : at + size] = spoken * np.clip(np.sin(np.pi * seconds_of(len(part)) * 4), 0, 1)
    return out


KINDS: tuple[Sound, ...] = (
    sound("fm_clang", fm_clang, "fm clang"),
    sound("grains", grains, "grains"),
    sound("syllables", syllables, "syllables"),
)
