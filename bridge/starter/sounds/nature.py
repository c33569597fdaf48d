"""Animals and water: (rng, attributes, n samples) → n samples. Continuous sounds fill the clip."""

from __future__ import annotations

import numpy as np

from bridge.starter.sounds.foley import laid
from bridge.starter.sounds.parts import (
    SAMPLE_RATE,
    Attributes,
    Wave,
    decay,
    filtered,
    hold,
    scale,
    seconds_of,
    sine,
    swept,
    white,
)
from bridge.starter.sounds.sound import sound
from bridge.starter.sounds.tones import release_s

Random = np.random.Generator


def bird(rng: Random, a: Attributes, n: int) -> Wave:
    """A songbird: chirps that rise, fall or trill, in phrases."""
    pieces, time, f = list[tuple[float, Wave]](), 0.0, scale(2_200, 4_800, a.pitch)
    while time < n / SAMPLE_RATE:
        bend, long = rng.uniform(-0.5, 0.5), rng.uniform(0.05, 0.14)
        for _ in range(int(rng.integers(2, 5))):
            m = int(long * SAMPLE_RATE)
            u = np.linspace(0, 1, m, dtype=np.float32)
            trill = 0.04 * np.sin(2 * np.pi * 45 * seconds_of(m))
            chirp = sine((f * 2 ** (bend * u + trill)).astype(np.float32), m) * np.sin(np.pi * u)
            pieces.append((time, chirp.astype(np.float32)))
            time += long + rng.uniform(0.02, 0.05)
        time += float(rng.uniform(0.15, 0.4))
    return laid(n, pieces)


def bubbles(rng: Random, a: Attributes, n: int) -> Wave:
    """Bubbles that rise: many short tones that bend upwards."""
    pieces = []
    for _ in range(int(scale(9, 30, a.force) * n / SAMPLE_RATE) + 1):
        ring = rng.uniform(0.012, 0.035)
        m = int(8 * ring * SAMPLE_RATE)
        t = seconds_of(m)
        f = scale(350, 1_100, a.pitch) * rng.uniform(0.6, 1.6) * (1 + 0.6 * np.clip(t / (3 * ring), 0, 1))
        wave = sine(f.astype(np.float32), m) * decay(m, ring, 0.003) * float(rng.uniform(0.3, 1.0))
        pieces.append((float(rng.uniform(0, n / SAMPLE_RATE)), wave))
    return laid(n, [(0.0, pieces[0][1]), *pieces])


def ocean(rng: Random, a: Attributes, n: int) -> Wave:
    """The sea: waves that swell, break brightly and draw back."""
    t, period = seconds_of(n), rng.uniform(3.0, 5.0)
    turn = (t / period + rng.random()) % 1
    # Both halves meet at 1, and the end of a wave at the beginning of the next one.
    swell = np.where(
        turn < 0.35, np.sin(0.5 * np.pi * turn / 0.35) ** 2, np.cos(0.5 * np.pi * (turn - 0.35) / 0.65) ** 2
    )
    deep = filtered(filtered(white(rng, n), "low", scale(300, 700, a.brightness)), "high", 40) * (0.5 + 0.5 * swell)
    spray = filtered(white(rng, n), "band", scale(1_500, 4_000, a.brightness), 0.5) * swell**1.5 * 0.5
    return ((deep + spray) * hold(n, n / SAMPLE_RATE, 0.05, release_s(n))).astype(np.float32)


def cricket(rng: Random, a: Attributes, n: int) -> Wave:
    """Crickets: a high tone in groups of pulses."""
    t, f = seconds_of(n), scale(3_800, 5_200, a.pitch)
    turn = (t * scale(1.6, 3.0, a.force) + rng.random()) % 1
    pulses = np.clip(np.sin(2 * np.pi * 28 * t), 0, 1)
    groups = np.clip(turn / 0.03, 0, 1) * np.clip((0.45 - turn) / 0.03, 0, 1)  # ramps, or their edges would click
    return (sine(f, n) * pulses * groups + 0.02 * filtered(white(rng, n), "band", 5_000, 2.0)).astype(np.float32)


def dog(rng: Random, a: Attributes, n: int) -> Wave:
    """A dog that barks: a rough, quick rise and fall through an open mouth, once or twice."""
    m = int(0.28 * SAMPLE_RATE)
    t = seconds_of(m)
    f = scale(180, 480, a.pitch) * (1 + 0.7 * np.exp(-(((t - 0.05) / 0.05) ** 2)))
    throat = np.tanh(4 * sine(f.astype(np.float32), m)) + 0.8 * white(rng, m)
    mouth = sum(
        (filtered(throat.astype(np.float32), "band", hz, 3.0) for hz in (750, 1_250, 2_500)), np.zeros(m, np.float32)
    )
    bark = mouth * np.clip(t / 0.012, 0, 1) * np.exp(-t / 0.07)
    times = [0.0, *([float(rng.uniform(0.35, 0.5))] if rng.random() < 0.6 else [])]
    return laid(n, [(time, bark.astype(np.float32)) for time in times])


def water(rng: Random, a: Attributes, n: int) -> Wave:
    """A stream of water: a hiss whose resonances gurgle."""
    y = filtered(white(rng, n), "high", 1_200) * 0.12
    t = seconds_of(n)
    for _ in range(5):
        place = scale(500, 1_600, a.brightness) * rng.uniform(0.7, 1.5)
        wander = 2 ** (0.5 * np.sin(2 * np.pi * rng.uniform(1.5, 6.0) * t + 6.28 * rng.random()))
        y = y + swept(white(rng, n), "band", place * wander, 9.0) * (
            0.5 + 0.5 * np.sin(2 * np.pi * rng.uniform(3, 9) * t + 6.28 * rng.random())
        )
    return (y * hold(n, n / SAMPLE_RATE, 0.03, release_s(n))).astype(np.float32)


SOUNDS = (
    sound("bird", bird, "bird, birds, birdsong, chirp, tweet, bird chirp, chirping, songbird, seagull", fits="pitch", fills=True),
    sound("bubbles", bubbles, "bubbles, bubble, bubbling, underwater bubbles, boiling, boiling water, gurgle", fits="pitch", force=(("sparse",), ("dense",)), fills=True),
    sound("ocean", ocean, "ocean, waves, sea, ocean waves, beach, surf, sea waves, shore", fits="brightness", fills=True),
    sound("cricket", cricket, "crickets, cricket, insects, cicadas, night insects, insect, frogs", fits="pitch", force=(("slow",), ("fast",)), fills=True),
    sound("dog", dog, "dog bark, dog, bark, barking, barking dog, woof", fits="pitch"),
    sound("water", water, "water, stream, river, running water, creek, water stream, waterfall, splashing water, tap water", fits="brightness", fills=True),
)  # fmt: skip
