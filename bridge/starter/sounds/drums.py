"""Drums and percussion: (rng, attributes, n samples) → n samples, with the attack at the first one."""

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
    hz_of_c,
    metal,
    mix,
    modes,
    oscillator,
    scale,
    seconds_of,
    sine,
    white,
)

Random = np.random.Generator


def kick(rng: Random, a: Attributes, n: int) -> Wave:
    """A sine that drops fast to its pitch, with a click."""
    t = seconds_of(n)
    low = scale(40, 85, a.pitch) * np.exp(rng.normal() * 0.03)
    fall = scale(2.5, 7, a.force)
    f = low * (1 + (fall - 1) * np.exp(-t / scale(0.05, 0.018, a.force)))
    body = sine(f, n) * decay(n, scale(0.05, 0.30, a.length))
    click = filtered(white(rng, n), "low", scale(700, 9_000, a.brightness)) * decay(n, 0.004)
    return distorted(body + click * scale(0.06, 0.7, a.brightness), a.distortion)


def bass_808(rng: Random, a: Attributes, n: int) -> Wave:
    """A tuned 808: a dropping sine that rings at a C. At C3 everything is four times as fast: the engine plays it at a quarter of
    the speed."""
    t, faster = seconds_of(n), 4.0 if a.octave >= 3 else 1.0
    f = hz_of_c(a.octave) * (1 + scale(1.0, 4.0, a.force) * np.exp(-t * faster / 0.03))
    y = sine(f, n) * decay(n, scale(0.45, 1.6, a.length) / faster)
    # The offset adds even harmonics, which make a low note audible on small speakers.
    drive, offset = scale(1.1, 5.0, a.brightness), mix(0.05, 0.35, a.brightness)
    y = (np.tanh(y * drive + offset) - np.tanh(offset)).astype(np.float32)
    click = filtered(white(rng, n), "low", 2_000 * faster) * decay(n, 0.004 / faster)
    y += click * scale(0.03, 0.3, a.brightness) * scale(0.6, 1.6, a.force)
    return distorted(filtered(y, "high", 6 * faster), a.distortion)


def snare(rng: Random, a: Attributes, n: int) -> Wave:
    """Two drum modes and a burst of filtered noise."""
    t = seconds_of(n)
    f = scale(140, 280, a.pitch)
    ring = scale(0.05, 0.24, a.length)
    tone = sine(f * (1 + 0.5 * np.exp(-t / 0.01)), n) * decay(n, ring * 0.6) + 0.5 * sine(f * 1.83, n) * decay(
        n, ring * 0.4
    )
    noise = filtered(
        filtered(white(rng, n), "high", scale(500, 2_500, a.brightness)), "low", scale(4_000, 18_000, a.brightness)
    )
    snap = noise * decay(n, 0.006) * mix(0.0, 1.5, a.force)
    return distorted(tone * scale(0.7, 1.4, -a.brightness) + noise * decay(n, ring) * 0.8 + snap, a.distortion)


def clap(rng: Random, a: Attributes, n: int) -> Wave:
    """Three or four bursts a hundredth of a second apart, the last one ringing."""
    bursts, gap = int(rng.integers(3, 5)), rng.uniform(0.009, 0.014)
    envelope = np.zeros(n, dtype=np.float32)
    for burst in range(bursts):
        start = min(n - 1, int(burst * gap * SAMPLE_RATE))
        last = burst == bursts - 1
        envelope[start:] += decay(n - start, scale(0.04, 0.22, a.length) if last else 0.004)
    noise = filtered(white(rng, n), "band", scale(900, 2_400, a.brightness), 0.8)
    noise += 0.3 * filtered(white(rng, n), "high", scale(1_500, 5_000, a.brightness))
    return distorted(noise * envelope, a.distortion)


def rim(rng: Random, a: Attributes, n: int) -> Wave:
    """A rimshot: the ring of the rim over a snare's body, and a crack of noise."""
    f, ring = scale(420, 640, a.pitch), scale(0.012, 0.05, a.length)
    y = (
        sine(f, n) * decay(n, ring)
        + 0.9 * sine(f * 2.73, n) * decay(n, ring * 0.7)
        + 0.5 * sine(f * 4.1, n) * decay(n, ring * 0.4)
    )
    y += 0.4 * sine(f * 0.42, n) * decay(n, ring * 1.5)
    crack = filtered(white(rng, n), "high", scale(900, 3_500, a.brightness)) * decay(
        n, scale(0.004, 0.012, a.brightness)
    )
    return distorted(y + crack * scale(0.25, 1.8, a.brightness), a.distortion)


def _hat(rng: Random, a: Attributes, n: int, ring: float) -> Wave:
    source = metal(rng, scale(310, 560, a.pitch), n) + white(rng, n) * 0.5
    y = filtered(source, "high", scale(4_000, 9_000, a.brightness), 0.8, 2)
    if a.brightness < 0:
        y = filtered(y, "low", scale(7_000, 20_000, 2 * a.brightness + 1))
    return distorted(y * decay(n, ring), a.distortion)


def closed_hat(rng: Random, a: Attributes, n: int) -> Wave:
    """A closed hi-hat."""
    return _hat(rng, a, n, scale(0.010, 0.045, a.length))


def open_hat(rng: Random, a: Attributes, n: int) -> Wave:
    """An open hi-hat."""
    return _hat(rng, a, n, scale(0.16, 0.5, a.length))


def ride(rng: Random, a: Attributes, n: int) -> Wave:
    """A ride cymbal: a stick's clear ping over the dense, dark ring of the plate."""
    ring, f = scale(0.35, 1.1, a.length), scale(2_400, 3_800, a.pitch)
    ping = modes(
        f * np.array([1.0, 1.37, 1.71, 2.18]),
        0.45 * ring * np.array([1.0, 0.8, 0.6, 0.5]),
        np.array([1.0, 0.8, 0.5, 0.3]),
        n,
    )
    plate_hz = np.geomspace(0.22, 2.6, 24) * f * rng.uniform(0.96, 1.04, 24)
    plate = modes(plate_hz, ring * rng.uniform(0.6, 1.2, 24), rng.uniform(0.05, 0.16, 24), n)
    wash = filtered(filtered(white(rng, n), "band", scale(3_500, 6_500, a.brightness), 0.8), "low", 8_000)
    stick = filtered(white(rng, n), "high", 3_500) * decay(n, 0.003)
    y = ping + plate + wash * decay(n, 0.8 * ring) * scale(0.12, 0.35, a.brightness)
    return distorted(y + stick * scale(0.3, 1.5, a.force), a.distortion)


def crash(rng: Random, a: Attributes, n: int) -> Wave:
    """A crash cymbal: broad noise that bursts and dies away slowly."""
    ring = scale(0.22, 1.6, a.length)  # from a choked cymbal to a large one that rings freely
    source = metal(rng, scale(240, 420, a.pitch), n) * 0.5 + white(rng, n)
    wash = filtered(source, "high", scale(1_200, 4_500, a.brightness)) * decay(n, ring)
    return distorted(wash + filtered(white(rng, n), "band", 2_200) * decay(n, 0.09) * 0.9, a.distortion)


def tom(rng: Random, a: Attributes, n: int) -> Wave:
    """A tom: a falling tone with a skin mode above it."""
    f = scale(80, 230, a.pitch) * (1 + 0.9 * np.exp(-seconds_of(n) / 0.05))
    ring = scale(0.14, 0.55, a.length)
    y = (
        sine(f, n) * decay(n, ring)
        + 0.45 * sine(f * 1.59, n) * decay(n, ring * 0.5)
        + 0.2 * sine(f * 2.14, n) * decay(n, ring * 0.3)
    )
    skin = filtered(white(rng, n), "band", scale(400, 3_000, a.brightness)) * decay(n, 0.02)
    return distorted(y + skin * scale(0.2, 1.2, a.brightness), a.distortion)


def cowbell(rng: Random, a: Attributes, n: int) -> Wave:
    """Two square waves slightly more than a fifth apart through a band-pass filter."""
    f = scale(480, 700, a.pitch)
    # Both start at an edge, so that the attack is always as sharp.
    y = oscillator(f, harmonics("square", 1.0), n) + oscillator(f * 1.482, harmonics("square", 1.0), n)
    y = filtered(y, "band", f * scale(1.6, 4.0, a.brightness), 1.2)
    return distorted(y * (decay(n, scale(0.06, 0.3, a.length)) + 0.8 * decay(n, 0.02)), a.distortion)


def clave(rng: Random, a: Attributes, n: int) -> Wave:
    """Two sticks: one pure, short, high tone."""
    f = scale(1_900, 3_000, a.pitch)
    ring = scale(0.012, 0.09, a.length)
    y = sine(f, n) * decay(n, ring, 0.0002) + 0.15 * sine(f * 2.76, n) * decay(n, ring * 0.3, 0.0002)
    return distorted(
        y + filtered(white(rng, n), "high", 3_000) * decay(n, 0.003) * scale(0.02, 0.6, a.brightness), a.distortion
    )


def conga(rng: Random, a: Attributes, n: int) -> Wave:
    """A hand drum: skin modes at fixed ratios after a slap."""
    f = scale(180, 360, a.pitch) * (1 + 0.02 * rng.normal())
    ring = scale(0.07, 0.26, a.length)
    ratios = np.array([1.0, 1.5, 1.98, 2.44])
    gains = np.array([1.0, 0.5, 0.35, 0.2]) * scale(0.6, 1.6, a.brightness) ** np.arange(4)
    y = modes(f * ratios, ring / np.array([1.0, 1.6, 2.2, 3.0]), gains, n)
    slap = filtered(white(rng, n), "band", scale(900, 2_800, a.brightness), 1.0) * decay(n, 0.008)
    return distorted(y + slap * scale(0.2, 1.2, a.force), a.distortion)


def tambourine(rng: Random, a: Attributes, n: int) -> Wave:
    """A hit, followed by the rattle of small cymbals at separate moments."""
    envelope = np.zeros(n, dtype=np.float32)
    ring = scale(0.10, 0.4, a.length)
    for start in np.concatenate([[0.0, 0.0], rng.exponential(ring * 0.7, 14)]):
        at = int(start * SAMPLE_RATE)
        if at < n - 1:
            envelope[at:] += decay(n - at, 0.02) * np.exp(-start / ring)
    jingles = scale(5_500, 9_500, a.brightness) * np.array([1.0, 1.18, 1.31, 1.53])
    y = sum(filtered(white(rng, n), "band", float(f), 9.0) for f in jingles)
    return distorted(y * envelope + filtered(white(rng, n), "band", 900, 1.0) * decay(n, 0.008) * 0.25, a.distortion)


def shaker(rng: Random, a: Attributes, n: int) -> Wave:
    """Grains that swell and stop: no hard attack."""
    rise = scale(0.03, 0.10, a.length)
    t = seconds_of(n)
    envelope = np.where(t < rise, (t / rise) ** 2, np.exp(-(t - rise) / (rise * 0.45)))
    return distorted(filtered(white(rng, n), "band", scale(4_500, 9_000, a.brightness), 1.2) * envelope, a.distortion)
