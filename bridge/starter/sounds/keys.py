"""Keyboards: (rng, attributes, n samples) → n samples at a C, as in tones.py."""

from __future__ import annotations

import numpy as np

from bridge.starter.sounds.parts import (
    Attributes,
    Wave,
    decay,
    distorted,
    filtered,
    hz_of_c,
    mix,
    modes,
    oscillator,
    scale,
    seconds_of,
    white,
)
from bridge.starter.sounds.sound import TONE, sound

Random = np.random.Generator
STRETCH = 0.0003  # by which the partials of a piano are sharp: those of a stiff string
PIANO = tuple(float(k * np.sqrt(1 + STRETCH * k * k)) for k in range(1, 49))  # multiples of the pitch


def piano(rng: Random, a: Attributes, n: int) -> Wave:
    """A piano: stiff strings, two of them slightly apart, that decay fast and then slowly, and the knock of a hammer."""
    return _strings(rng, a, n, roll=scale(1.6, 0.8, a.brightness), knock=0.12, hammer_hz=2_500)


def felt_piano(rng: Random, a: Attributes, n: int) -> Wave:
    """A piano with felt before its strings: few harmonics, a soft, woody thump, and the noise of its action."""
    wave = _strings(rng, a, n, roll=scale(3.2, 2.2, a.brightness), knock=0.25, hammer_hz=350)
    action = filtered(white(rng, n), "band", 900, 0.8) * decay(n, 0.03, 0.004) * 0.03
    return filtered(wave, "low", scale(900, 1_800, a.brightness)) + action


def _strings(rng: Random, a: Attributes, n: int, roll: float, knock: float, hammer_hz: float) -> Wave:
    f, ring = hz_of_c(a.octave), scale(0.35, 1.6, a.length)
    k = np.array(PIANO)
    gains = np.abs(np.sin(np.pi * np.arange(1, len(PIANO) + 1) * rng.uniform(0.11, 0.13))) / k**roll
    fast = modes(f * k, ring * 0.25 / (0.7 + 0.3 * k), gains, n)
    slow = modes(f * k * (1 + 0.0004), ring / (0.8 + 0.2 * k), gains * 0.5, n)
    thump = filtered(white(rng, n), "low", hammer_hz) * decay(n, 0.012, 0.001) * knock
    return distorted(fast + slow + thump * float(np.abs(fast).max()), a.distortion)


def rhodes(rng: Random, a: Attributes, n: int) -> Wave:
    """An electric piano: a tine above a tone bar, whose bark fades first. Frequency modulation, as on the DX7."""
    f, t, ring = hz_of_c(a.octave), seconds_of(n).astype(np.float64), scale(0.4, 1.8, a.length)
    bark = scale(0.4, 2.4, a.brightness) * np.exp(-t / 0.25)
    phase = 2 * np.pi * f * t
    body = np.sin(phase + bark * np.sin(phase))
    tine = 0.25 * np.sin(phase + 0.4 * np.exp(-t / 0.06) * np.sin(14 * phase)) * np.exp(-t / 0.15)
    tremolo = 1 - 0.25 * (0.5 + 0.5 * np.sin(2 * np.pi * 4.5 * t + 6.28 * rng.random()))
    return distorted(((body + tine) * decay(n, ring, 0.002) * tremolo).astype(np.float32), a.distortion)


def clavinet(rng: Random, a: Attributes, n: int) -> Wave:
    """A clavinet or harpsichord: a struck, hard, thin string that is damped soon."""
    f, ring = hz_of_c(a.octave), scale(0.12, 0.6, a.length)
    k = np.arange(1, 65)
    gains = np.abs(np.sin(np.pi * k * 0.08)) / k ** scale(0.8, 0.25, a.brightness)
    y = filtered(modes(f * k, ring / (0.9 + 0.1 * k), gains, n), "high", f * 1.2)
    click = filtered(white(rng, n), "high", 2_000) * decay(n, 0.002) * mix(0.1, 0.4, a.brightness)
    return distorted(y + click * float(np.abs(y).max()), a.distortion)


def music_toy(rng: Random, a: Attributes, n: int) -> Wave:
    """A toy synth: one square wave with a short decay, as of a game console."""
    f, ring = hz_of_c(a.octave), scale(0.08, 0.5, a.length)
    t = seconds_of(n)
    duty = 0.5 if a.brightness < 0 else 0.25
    steps = np.floor(np.clip(1 - t / (3 * ring), 0, 1) * 15) / 15  # volume in sixteen steps
    k = np.arange(1, 161)
    return distorted(oscillator(f, np.sin(np.pi * k * duty) / k, n) * steps.astype(np.float32), a.distortion)


SOUNDS = (
    sound("piano", piano, "piano, grand piano, piano note, acoustic piano, upright piano, piano hit", fits=TONE, octaves=(3, 4, 5)),
    sound("felt_piano", felt_piano, "felt piano, soft piano, muted piano, intimate piano, lofi piano", fits=TONE, octaves=(3, 4, 5)),
    sound("rhodes", rhodes, "rhodes, electric piano, e piano, ep, wurlitzer, wurli, rhodes chord, fender rhodes", fits=TONE, octaves=(3, 4, 5)),
    sound("clavinet", clavinet, "clavinet, harpsichord, clav, cembalo, spinet", fits=TONE, octaves=(3, 4, 5)),
    sound("chiptune", music_toy, "chiptune, 8 bit synth, game boy, 8 bit, chip, retro game sound, video game sound, nes", fits=TONE, octaves=(4, 5, 6)),
)  # fmt: skip
