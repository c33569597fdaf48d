"""More percussion: (rng, attributes, n samples) → n samples, with the attack at the first one."""

from __future__ import annotations

import numpy as np

from bridge.starter.sounds.parts import (
    SAMPLE_RATE,
    Attributes,
    Wave,
    decay,
    distorted,
    filtered,
    modes,
    scale,
    seconds_of,
    sine,
    white,
)
from bridge.starter.sounds.sound import sound

Random = np.random.Generator


def snap(rng: Random, a: Attributes, n: int) -> Wave:
    """Fingers that snap: a narrow click after a soft slide."""
    f, ring = scale(1_300, 2_400, a.pitch), scale(0.008, 0.025, a.length)
    y = filtered(white(rng, n), "band", f, 4.0, 2) * decay(n, ring, 0.0003)
    room = filtered(white(rng, n), "band", f * 0.8, 1.5) * decay(n, 0.05) * 0.06
    return distorted(y + 0.3 * filtered(white(rng, n), "high", 4_000) * decay(n, 0.002) + room, a.distortion)


def cross_stick(rng: Random, a: Attributes, n: int) -> Wave:
    """A stick laid across the snare: a woody knock, softer than a rimshot."""
    f, ring = scale(700, 1_100, a.pitch), scale(0.015, 0.04, a.length)
    y = modes(f * np.array([1.0, 1.71, 2.6]), ring * np.array([1.0, 0.6, 0.3]), np.array([1.0, 0.4, 0.2]), n)
    return distorted(y + filtered(white(rng, n), "band", 500, 2.0) * decay(n, 0.03) * 0.15, a.distortion)


def triangle(rng: Random, a: Attributes, n: int) -> Wave:
    """A triangle: high, inharmonic, long."""
    f, ring = scale(1_100, 1_700, a.pitch), scale(0.3, 2.5, a.length)
    ratios = np.array([1.0, 2.76, 4.07, 5.4, 7.1, 8.93, 10.6])
    gains = np.array([0.2, 0.6, 1.0, 0.8, 0.7, 0.5, 0.4]) * scale(0.8, 1.2, a.brightness) ** np.arange(7)
    return modes(f * ratios, ring / (0.8 + 0.05 * ratios), gains * (1 + 0.1 * rng.normal(size=7)), n)


def guiro(rng: Random, a: Attributes, n: int) -> Wave:
    """A stick along the notches of a gourd: clicks that come faster and faster."""
    span = scale(0.12, 0.5, a.length)
    count = int(span * 110)
    times = span * np.linspace(0, 1, count) ** 0.8
    y = np.zeros(n, dtype=np.float32)
    for number, time in enumerate(times):
        at = int(time * SAMPLE_RATE)
        if at < n:
            y[at] += 0.4 + 0.6 * number / count
    f = scale(1_800, 3_600, a.brightness)
    return distorted(filtered(y, "band", f, 2.5) + 0.5 * filtered(y, "band", f * 1.9, 3.0), a.distortion)


def timpani(rng: Random, a: Attributes, n: int) -> Wave:
    """A kettledrum: a pitched, ringing boom."""
    f, ring = scale(65, 140, a.pitch), scale(0.5, 1.6, a.length)
    ratios = np.array([1.0, 1.5, 1.99, 2.44, 2.9])
    y = modes(f * ratios, ring / (0.8 + 0.5 * (ratios - 1)), np.array([1.0, 0.6, 0.4, 0.25, 0.15]), n)
    felt = filtered(white(rng, n), "low", scale(250, 1_500, a.brightness)) * decay(n, 0.03, 0.001) * 0.4
    return distorted(y + felt * float(np.abs(y).max()), a.distortion)


def gong(rng: Random, a: Attributes, n: int) -> Wave:
    """A gong: a hum that blooms into a wash."""
    f, ring, t = scale(70, 160, a.pitch), scale(1.0, 3.0, a.length), seconds_of(n)
    ratios = np.sort(np.concatenate([[1.0, 1.48, 2.05], rng.uniform(2.2, 12.0, 18)]))
    y = modes(f * ratios, ring / (0.7 + 0.08 * ratios), scale(0.6, 1.2, a.brightness) / ratios**0.6, n)
    bloom = (
        filtered(white(rng, n), "band", scale(1_500, 3_500, a.brightness), 0.7)
        * (1 - np.exp(-t / 0.15))
        * np.exp(-t / (0.5 * ring))
    )
    return distorted((y / (np.abs(y).max() + 1e-9) + 0.15 * bloom).astype(np.float32), a.distortion)


def brush(rng: Random, a: Attributes, n: int) -> Wave:
    """A brush swept over a snare: noise that swells and is stopped by a tap."""
    span, t = scale(0.12, 0.4, a.length), seconds_of(n)
    swish = np.clip(t / span, 0, 1) ** 1.5 * (t < span)
    tap = np.exp(-np.maximum(t - span, 0) / 0.06) * (t >= span)
    noise = filtered(white(rng, n), "band", scale(2_500, 6_000, a.brightness), 0.7)
    return (noise * (0.6 * swish + tap) + sine(190.0, n) * tap * 0.15).astype(np.float32)


def metronome(rng: Random, a: Attributes, n: int) -> Wave:
    """The click of a metronome: a very short, dry tone."""
    f = scale(900, 2_200, a.pitch)
    return sine(f, n) * decay(n, scale(0.004, 0.012, a.length), 0.0002) + 0.3 * filtered(
        white(rng, n), "high", 3_000
    ) * decay(n, 0.0015)


def steel_drum(rng: Random, a: Attributes, n: int) -> Wave:
    """A metal pipe or anvil that is struck: a bright clang."""
    f, ring = scale(350, 900, a.pitch), scale(0.15, 0.9, a.length)
    ratios = np.array([1.0, 2.32, 3.17, 4.25, 5.6, 7.4, 9.1, 11.2])
    gains = np.array([0.7, 1.0, 0.8, 0.8, 0.6, 0.5, 0.4, 0.3]) * scale(0.75, 1.15, a.brightness) ** np.arange(8)
    y = modes(f * ratios * (1 + 0.02 * rng.normal(size=8)), ring / (0.8 + 0.06 * ratios), gains, n)
    return distorted(y + filtered(white(rng, n), "high", 3_000) * decay(n, 0.003) * 0.6, a.distortion)


SOUNDS = (
    sound("snap", snap, "snap, finger snap, fingersnap, snaps, finger click, finger snaps, click fingers"),
    sound("cross_stick", cross_stick, "cross stick, side stick, crossstick, sidestick, stick click, stick hit, cross stick snare"),
    sound("triangle", triangle, "triangle, triangle hit, finger cymbal, finger cymbals, crotale", fits="pitch brightness length"),
    sound("guiro", guiro, "guiro, scraper, ratchet, washboard", fits="brightness length distortion"),
    sound("timpani", timpani, "timpani, kettle drum, kettledrum, orchestral drum, taiko, timpani hit"),
    sound("gong", gong, "gong, tam tam, chinese gong, singing bowl, temple gong"),
    sound("brush", brush, "brush, brush snare, brushed snare, brushes, brush sweep, jazz brush", fits="brightness length"),
    sound("metronome", metronome, "metronome, click, click track, tick, metronome click, clock tick, clock", fits="pitch length"),
    sound("anvil", steel_drum, "anvil, metal hit, metal pipe, clang, metallic hit, metal clank, pipe hit, steel drum, sword, hammer"),
)  # fmt: skip
