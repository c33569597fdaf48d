"""Effects, weather and foley: (rng, attributes, n samples) → n samples. Continuous sounds fill the clip."""

from __future__ import annotations

import numpy as np

from bridge.starter.sounds.parts import (
    SAMPLE_RATE,
    Attributes,
    Wave,
    decay,
    distorted,
    filtered,
    harmonics,
    hold,
    mix,
    modes,
    oscillator,
    scale,
    seconds_of,
    sine,
    swept,
    white,
)
from bridge.starter.sounds.tones import levelled, release_s

Random = np.random.Generator


def _span(a: Attributes, n: int) -> float:
    """The seconds of a sweep: the whole clip, or at most half of it for a short sweep."""
    whole = n / SAMPLE_RATE
    return whole if a.length > -0.3 else whole * mix(0.35, 0.6, 2 * a.length + 1.6)


def riser(rng: Random, a: Attributes, n: int) -> Wave:
    """Rises in pitch and level and stops at its loudest."""
    t, span = seconds_of(n), _span(a, n)
    u = np.clip(t / span, 0, 1)
    if a.wave == "noise":
        y = swept(white(rng, n), "band", scale(250, 500, a.pitch) * 2 ** (5.0 * u), 3.0)
        y += 0.08 * filtered(white(rng, n), "high", scale(3_000, 8_000, a.brightness)) * u
    else:
        y = oscillator(scale(90, 220, a.pitch) * 2 ** (3.5 * u), harmonics(a.wave, mix(-0.8, 0.2, a.brightness), 16), n)
    return distorted(y * (0.03 + u**1.6) * (t < span), a.distortion)


def downlifter(rng: Random, a: Attributes, n: int) -> Wave:
    """Starts loud and high, then falls and fades over the clip."""
    t, span = seconds_of(n), _span(a, n)
    u = np.clip(t / span, 0, 1)
    if a.wave == "noise":
        y = swept(white(rng, n), "band", scale(250, 500, a.pitch) * 2 ** (5.0 * (1 - u)), 3.0)
        y += 0.08 * filtered(white(rng, n), "high", scale(3_000, 8_000, a.brightness)) * (1 - u)
    else:
        y = oscillator(
            scale(90, 220, a.pitch) * 2 ** (3.5 * (1 - u)), harmonics(a.wave, mix(-0.8, 0.2, a.brightness), 16), n
        )
    return distorted(y * (1 - u) ** 1.2 * np.clip(t / 0.001, 0, 1), a.distortion)


def impact(rng: Random, a: Attributes, n: int) -> Wave:
    """A cinematic hit: a low, falling boom under a burst of noise."""
    t, ring = seconds_of(n), scale(0.35, 1.1, a.length)
    boom = sine(scale(30, 55, a.pitch) * (1 + 2 * np.exp(-t / 0.08)), n) * decay(n, ring)
    burst = filtered(white(rng, n), "low", scale(500, 4_000, a.brightness)) * decay(n, ring * 0.5)
    crack = filtered(white(rng, n), "high", 1_500) * decay(n, 0.02)
    return distorted(boom * 1.2 + burst * 1.5 + crack * scale(0.2, 0.8, a.brightness), a.distortion)


def laser(rng: Random, a: Attributes, n: int) -> Wave:
    """A tone that falls very fast from very high."""
    t, fall = seconds_of(n), scale(0.05, 0.35, a.length)
    f = 120 + scale(2_500, 8_000, a.pitch) * np.exp(-t / (fall * 0.5))
    y = oscillator(f, harmonics("square", 0.0, 4), n) if a.brightness > 0 else sine(f, n)
    return distorted(y * decay(n, fall * 1.2), a.distortion)


def siren(rng: Random, a: Attributes, n: int) -> Wave:
    """A tone that goes up and down until the clip ends, evenly: as many octaves a second up as down."""
    t = seconds_of(n)
    turn = (scale(0.8, 3.2, a.force) * t + rng.random()) % 1  # in a second nearly one turn, or it would be a sweep
    swing = 1 - 4 * np.abs(turn - 0.5)
    y = oscillator(
        scale(450, 1_100, a.pitch) * 2 ** (0.5 * swing), harmonics(a.wave, mix(-0.9, 0.1, a.brightness), 8), n
    )
    return distorted(y * hold(n, n / SAMPLE_RATE, 0.01, 0.05), a.distortion)


def wind(rng: Random, a: Attributes, n: int) -> Wave:
    """Noise through a resonance that wanders, in gusts that are heard as pitch more than as level."""
    t, whole = seconds_of(n), n / SAMPLE_RATE
    gust = np.sin(2 * np.pi * rng.uniform(0.25, 0.7) * t + 6.28 * rng.random())
    y = swept(white(rng, n), "band", scale(280, 1_400, a.brightness) * 2 ** (0.8 * gust), 2.2, 2)
    return (levelled(y) * (1 + 0.08 * gust) * hold(n, whole, min(0.15, 0.1 * whole), release_s(n))).astype(np.float32)


def _drops(rng: Random, rate: float, n: int) -> Wave:
    """Impulses of random strength at random moments, `rate` per second."""
    y = np.zeros(n, dtype=np.float32)
    count = rng.poisson(rate * n / SAMPLE_RATE)
    y[rng.integers(0, n, count)] = rng.exponential(size=count)
    return y


def rain(rng: Random, a: Attributes, n: int) -> Wave:
    """Many small drops over a bed of hiss."""
    falling = np.minimum(_drops(rng, scale(350, 1_800, a.force), n), 2.0)  # no single drop stands out of the level
    drops = filtered(falling, "band", scale(2_500, 7_000, a.brightness), 2.0)
    bed = filtered(white(rng, n), "high", scale(900, 3_500, a.brightness)) * scale(0.01, 0.06, a.force)
    whole = n / SAMPLE_RATE
    return levelled(drops + bed) * hold(n, whole, min(0.05, 0.1 * whole), release_s(n))


def thunder(rng: Random, a: Attributes, n: int) -> Wave:
    """A distant crack and a rolling rumble."""
    t = seconds_of(n)
    roll = np.abs(filtered(white(rng, n), "low", 3.0)) * 60
    rumble = filtered(white(rng, n), "low", scale(90, 260, a.brightness), 0.7, 2) * (
        0.4 + roll / (roll.max() + 1e-9) * 1.6
    )
    crack = (
        filtered(white(rng, n), "band", scale(400, 1_400, a.brightness), 0.7)
        * decay(n, 0.12, 0.01)
        * scale(0.1, 0.6, a.force)
    )
    y = filtered((rumble + crack * 0.5).astype(np.float32), "high", 30)  # below is nothing to hear
    return (y * np.exp(-t / scale(0.6, 2.5, a.length)) * np.clip(t / 0.04, 0, 1)).astype(np.float32)


def fire(rng: Random, a: Attributes, n: int) -> Wave:
    """Crackle: single snaps over a low rumble."""
    snaps = filtered(
        filtered(_drops(rng, scale(8, 40, a.force), n), "high", 700), "low", scale(2_500, 12_000, a.brightness)
    )
    return snaps + filtered(white(rng, n), "low", 400) * 0.012


def water_drop(rng: Random, a: Attributes, n: int) -> Wave:
    """A drop into water: a short, pure tone that bends upwards, sometimes a second one."""
    y = np.zeros(n, dtype=np.float32)
    starts = [0.0] if rng.random() < 0.6 else [0.0, rng.uniform(0.08, 0.2)]
    for number, start in enumerate(starts):
        at = int(start * SAMPLE_RATE)
        if at < n - 1:
            t, ring = seconds_of(n - at), scale(0.02, 0.08, a.length)
            f = scale(500, 1_500, a.pitch) * (1 + 0.9 * np.clip(t / (2.5 * ring), 0, 1)) * rng.uniform(0.9, 1.2)
            y[at:] += sine(f, n - at) * decay(n - at, ring, 0.003) * (0.6 if number else 1.0)
    return y + filtered(white(rng, n), "band", scale(2_500, 7_000, a.brightness)) * decay(n, 0.003) * scale(
        0.02, 0.6, a.brightness
    )


def glitch(rng: Random, a: Attributes, n: int) -> Wave:
    """Digital stutter: short slices of tones, noise and silence, held for odd moments."""
    y = np.zeros(n, dtype=np.float32)
    end = min(n, int(scale(0.15, 0.9, a.length) * SAMPLE_RATE))
    at = 0
    while at < end:
        size = int(rng.uniform(0.012, 0.05) * SAMPLE_RATE)
        size = min(size, n - at)
        kind = rng.integers(4)
        if kind == 0:
            y[at : at + size] = np.sign(sine(scale(200, 3_000, rng.uniform(-1, 1) + 0.4 * a.pitch), size))
        elif kind == 1:
            step = max(1, int(scale(40, 3, a.brightness)))
            y[at : at + size] = np.repeat(white(rng, size // step + 1), step)[:size] * 0.6
        elif kind == 2:
            y[at : at + size] = modes(
                np.array([scale(1_000, 6_000, a.brightness)]), np.array([0.004]), np.array([1.0]), size
            )
        at += size
    return distorted(y, a.distortion)
