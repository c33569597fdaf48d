"""Winds and voices: (rng, attributes, n samples) → n samples at a C, as in tones.py. They hold until the clip ends."""

from __future__ import annotations

import numpy as np

from bridge.starter.sounds.parts import (
    SAMPLE_RATE,
    Attributes,
    Wave,
    distorted,
    filtered,
    harmonics,
    hold,
    hz_of_c,
    mix,
    oscillator,
    scale,
    seconds_of,
    white,
)
from bridge.starter.sounds.sound import TONE, sound
from bridge.starter.sounds.tones import held, levelled, release_s

Random = np.random.Generator
# Formants of sung vowels: Hz and levels (table of the Csound manual, tenor, rounded).
VOWELS = {
    "ah": ((650, 1.0), (1_080, 0.5), (2_650, 0.45), (2_900, 0.4)),
    "oh": ((400, 1.0), (800, 0.32), (2_600, 0.25), (2_800, 0.25)),
}


def _vibrato(rng: Random, n: int, cents: float, rate: float, after_s: float) -> Wave:
    t = seconds_of(n)
    depth = (2 ** (cents / 1200) - 1) * np.clip((t - after_s) * 4, 0, 1)
    return (1 + depth * np.sin(2 * np.pi * rate * t + 6.28 * rng.random())).astype(np.float32)


def brass(rng: Random, a: Attributes, n: int) -> Wave:
    """A brass section: the louder, the brighter. It opens within a tenth of a second."""
    f, t = hz_of_c(a.octave), seconds_of(n)
    rise = rng.uniform(0.03, 0.08)
    dark, bright = harmonics("saw", mix(-0.9, -0.4, a.brightness)), harmonics("saw", mix(0.0, 0.9, a.brightness))
    y = np.zeros(n, dtype=np.float32)
    opened = np.clip(t / rise, 0, 1) * (0.6 + 0.4 * np.exp(-t / 0.25))
    for _ in range(3):
        pitch = (
            f
            * (1 - 0.03 * np.exp(-t / 0.025))
            * _vibrato(rng, n, 6, rng.uniform(4.5, 5.5), 0.3)
            * (1 + rng.uniform(-0.001, 0.001))
        )
        phase = rng.random()
        low, high = (
            oscillator(pitch.astype(np.float32), dark, n, phase),
            oscillator(pitch.astype(np.float32), bright, n, phase),
        )
        y += low + (high - low) * opened.astype(np.float32)
    y = y + 0.7 * filtered(y, "band", 1_300, 1.2)
    return distorted(levelled(y), a.distortion) * hold(n, held(a, n, 0.3), rise, min(0.06, release_s(n)))


def choir(rng: Random, a: Attributes, n: int) -> Wave:
    """A choir that sings ah or oh: many voices through the formants of the vowel."""
    f, y = hz_of_c(a.octave), np.zeros(n, dtype=np.float32)
    source = harmonics("saw", 0.6)
    for _ in range(6):
        pitch = (
            f * _vibrato(rng, n, rng.uniform(8, 18), rng.uniform(4.2, 5.8), 0.0) * (1 + rng.uniform(-0.0015, 0.0015))
        )
        y += oscillator(pitch.astype(np.float32), source, n, rng.random())
    y += white(rng, n) * 0.08 * float(np.abs(y).mean())
    vowel = VOWELS["ah" if a.brightness > 0 else "oh"]
    sung = sum(
        (filtered(y, "band", hz, hz / 90) * np.float32(level) for hz, level in vowel), np.zeros(n, dtype=np.float32)
    )
    whole = n / SAMPLE_RATE
    return distorted(levelled(sung + 0.05 * y), a.distortion) * hold(n, whole, min(0.15, 0.1 * whole), release_s(n))


def flute(rng: Random, a: Attributes, n: int) -> Wave:
    """A flute: nearly a sine, with breath and a chiff at the beginning."""
    f, t = hz_of_c(a.octave), seconds_of(n)
    levels = np.array([1.0, 0.35, 0.12, 0.05, 0.02]) * scale(0.5, 1.8, a.brightness) ** np.arange(5)
    pitch = (f * _vibrato(rng, n, 14, 5.2, 0.25)).astype(np.float32)
    tone = oscillator(pitch, levels, n) * (1 + 0.06 * np.sin(2 * np.pi * 5.2 * t)).astype(np.float32)
    breath = filtered(white(rng, n), "band", 2 * f, 1.0) * scale(0.03, 0.12, a.brightness)
    chiff = filtered(white(rng, n), "band", 3 * f, 2.0) * np.exp(-t / 0.04) * 0.5
    return distorted(
        (tone + breath + chiff).astype(np.float32) * hold(n, held(a, n, 0.3), 0.05, release_s(n)), a.distortion
    )


def whistle(rng: Random, a: Attributes, n: int) -> Wave:
    """Somebody whistles: a sine that slides into its pitch, and a little air."""
    f, t = hz_of_c(a.octave), seconds_of(n)
    pitch = f * (1 - 0.12 * np.exp(-t / 0.03)) * _vibrato(rng, n, 18, 6.0, 0.2)
    tone = oscillator(pitch.astype(np.float32), np.array([1.0, 0.02]), n)
    air = filtered(white(rng, n), "band", f, 6.0) * 0.12
    return distorted((tone + air) * hold(n, held(a, n, 0.3), 0.03, release_s(n)), a.distortion)


def reed(rng: Random, a: Attributes, n: int) -> Wave:
    """A saxophone or clarinet: a reedy square with a nasal formant and a breathy attack."""
    f, t = hz_of_c(a.octave), seconds_of(n)
    k = np.arange(1, 121)
    levels = np.where(k % 2 == 1, 1.0, scale(0.15, 0.7, a.brightness)) / k**1.1
    pitch = (f * (1 - 0.02 * np.exp(-t / 0.03)) * _vibrato(rng, n, 12, 5.0, 0.3)).astype(np.float32)
    y = oscillator(pitch, levels, n)
    y = y + 1.5 * filtered(y, "band", 1_500, 2.5)
    breath = filtered(white(rng, n), "band", 3_000, 0.8) * (0.04 + 0.3 * np.exp(-t / 0.03)).astype(np.float32)
    return distorted(
        (y + breath * float(np.abs(y).mean())) * hold(n, held(a, n, 0.3), 0.03, release_s(n)), a.distortion
    )


SOUNDS = (
    sound("brass", brass, "brass, brass stab, trumpet, horns, horn section, trombone, brass section, french horn, brass hit", fits=TONE, octaves=(3, 4), fills=True),
    sound("choir", choir, "choir, vox pad, voices, vocal pad, choir pad, voice pad, aah, ooh, vocal aah, singing, vox, human voice, gregorian choir", fits="brightness distortion", octaves=(3, 4), fills=True),
    sound("flute", flute, "flute, pan flute, recorder, shakuhachi, piccolo, ocarina, wooden flute", fits=TONE, octaves=(4, 5), fills=True),
    sound("whistle", whistle, "whistle, whistling, human whistle", fits=TONE, octaves=(5, 6), fills=True),
    sound("reed", reed, "saxophone, sax, clarinet, oboe, bassoon, harmonica, woodwind", fits=TONE, octaves=(3, 4, 5), fills=True),
)  # fmt: skip
