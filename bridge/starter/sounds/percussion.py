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
    """Fingers that snap: a narrow click in a small room."""
    f, ring = scale(1_300, 2_400, a.pitch), scale(0.007, 0.03, a.length)
    y = filtered(white(rng, n), "band", f, 4.0, 2) * decay(n, ring, 0.0003)
    click = filtered(white(rng, n), "high", 4_000) * decay(n, 0.003) * scale(0.08, 0.9, a.brightness)
    room = (
        filtered(white(rng, n), "band", f * scale(0.6, 1.5, a.brightness), 1.2)
        * decay(n, scale(0.03, 0.1, a.length))
        * 0.08
    )
    return distorted(y + click + room, a.distortion)


def cross_stick(rng: Random, a: Attributes, n: int) -> Wave:
    """A stick laid across the snare: a woody knock, softer than a rimshot."""
    f, ring = scale(700, 1_100, a.pitch), scale(0.012, 0.05, a.length)
    gains = np.array([1.0, 0.4, 0.2]) * scale(0.45, 1.8, a.brightness) ** np.arange(3)
    y = modes(f * np.array([1.0, 1.71, 2.6]), ring * np.array([1.0, 0.6, 0.3]), gains, n)
    tap = filtered(white(rng, n), "band", scale(1_200, 4_500, a.brightness), 1.0) * decay(n, 0.004)
    shell = filtered(white(rng, n), "band", 500, 2.0) * decay(n, 0.03) * 0.15
    return distorted(y + tap * scale(0.08, 0.5, a.brightness) + shell, a.distortion)


def triangle(rng: Random, a: Attributes, n: int) -> Wave:
    """A triangle: high, inharmonic, long."""
    f, ring = scale(1_100, 1_700, a.pitch), scale(0.3, 2.5, a.length)
    ratios = np.array([1.0, 2.76, 4.07, 5.4, 7.1, 8.93, 10.6])
    gains = np.array([0.2, 0.6, 1.0, 0.8, 0.7, 0.5, 0.4]) * scale(0.8, 1.2, a.brightness) ** np.arange(7)
    return modes(f * ratios, ring / (0.8 + 0.05 * ratios), gains * (1 + 0.1 * rng.normal(size=7)), n)


def guiro(rng: Random, a: Attributes, n: int) -> Wave:
    """A stick along the notches of a gourd: separate clicks that come faster and faster."""
    span = scale(0.15, 0.55, a.length)
    count = max(6, int(span * 65))
    times = span * np.linspace(0, 1, count) ** 0.65 + rng.uniform(0, 0.0015, count)
    places = np.sort((times * SAMPLE_RATE).astype(int))
    strengths = np.linspace(0.6, 1.0, count) * rng.uniform(0.7, 1.0, count)
    y = np.zeros(n, dtype=np.float32)
    y[places[places < n]] = strengths[places < n]
    f = scale(1_800, 3_600, a.brightness)
    return distorted(filtered(y, "band", f, 2.5) + 0.5 * filtered(y, "band", f * 1.9, 3.0), a.distortion)


def timpani(rng: Random, a: Attributes, n: int) -> Wave:
    """A kettledrum: a pitched, ringing boom."""
    f, ring = scale(65, 140, a.pitch), scale(0.5, 1.6, a.length)
    ratios = np.array([1.0, 1.5, 1.99, 2.44, 2.9])
    y = modes(f * ratios, ring / (0.8 + 0.5 * (ratios - 1)), np.array([1.0, 0.6, 0.4, 0.25, 0.15]), n)
    felt = filtered(white(rng, n), "low", scale(250, 1_500, a.brightness)) * decay(n, 0.03, 0.001) * 0.4
    return distorted(filtered(y + felt * float(np.abs(y).max()), "high", 30), a.distortion)


def gong(rng: Random, a: Attributes, n: int) -> Wave:
    """A gong: a hum out of which a dense, bright ring blooms and sinks again."""
    f, ring, t = scale(70, 160, a.pitch), scale(0.8, 2.5, a.length), seconds_of(n)
    hum = modes(
        f * np.array([1.0, 1.48, 2.05, 2.74]), ring * np.array([1.0, 0.8, 0.7, 0.6]), np.array([1.0, 0.6, 0.5, 0.3]), n
    )
    high = rng.uniform(3.2, 26.0, 22)
    plate = modes(
        f * high, ring / (1 + 0.06 * high), rng.uniform(0.3, 1.0, 22) / high ** scale(0.9, 0.3, a.brightness), n
    )
    plate = plate * (1 - 0.75 * np.exp(-t / 0.12))
    wash = (
        filtered(white(rng, n), "band", scale(1_500, 3_500, a.brightness), 0.7)
        * (1 - np.exp(-t / 0.15))
        * np.exp(-2 * t / ring)
    )
    mallet = filtered(white(rng, n), "low", 600) * decay(n, 0.02)
    y = hum / np.abs(hum).max() + 0.9 * plate / np.abs(plate).max() + 0.1 * wash + 0.8 * mallet
    return distorted(filtered(y.astype(np.float32), "high", 30), a.distortion)


def brush(rng: Random, a: Attributes, n: int) -> Wave:
    """A brush on a snare: it taps, then sweeps over the skin until it is lifted."""
    span, t = scale(0.14, 0.5, a.length), seconds_of(n)
    u = np.clip(t / span, 0, 1)
    sweep = (np.clip(np.sin(np.pi * u**0.8), 0, 1) ** 1.5) * (0.8 + 0.2 * np.sin(2 * np.pi * 28 * t))
    noise = filtered(white(rng, n), "band", scale(2_500, 6_000, a.brightness), 0.7)
    return (noise * (decay(n, 0.02) + 0.45 * sweep) + sine(190.0, n) * decay(n, 0.05) * 0.3).astype(np.float32)


def metronome(rng: Random, a: Attributes, n: int) -> Wave:
    """The click of a metronome: a very short, dry tone."""
    f, ring = scale(900, 2_200, a.pitch), scale(0.003, 0.02, a.length)
    return sine(f, n) * decay(n, ring, 0.0002) + 0.3 * filtered(white(rng, n), "high", 3_000) * decay(n, 0.0015)


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
