"""Things in a room: (rng, attributes, n samples) → n samples."""

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
    white,
)
from bridge.starter.sounds.sound import sound

Random = np.random.Generator


def laid(n: int, pieces: list[tuple[float, Wave]]) -> Wave:
    """Waves laid at their times in seconds."""
    y = np.zeros(n, dtype=np.float32)
    for time, wave in pieces:
        at = int(time * SAMPLE_RATE)
        if 0 <= at < n:
            y[at : at + len(wave)] += wave[: n - at]
    return y


def _size(seconds: float) -> int:
    return int(seconds * SAMPLE_RATE)


def footstep(rng: Random, a: Attributes, n: int) -> Wave:
    """A step: the heel, and a little later the sole that scrapes."""
    m = _size(0.25)
    heel = filtered(white(rng, m), "low", scale(250, 900, a.brightness)) * decay(m, 0.025)
    sole = filtered(white(rng, m), "band", scale(900, 3_500, a.brightness), 0.8) * decay(m, 0.04, 0.01) * 0.35
    gap, pace = scale(0.11, 0.05, a.force) * rng.uniform(0.9, 1.1), scale(0.9, 0.45, a.force)
    steps = int(rng.integers(1, 4))
    y = laid(
        n, [(step * pace + late, wave) for step in range(steps) for late, wave in ((0.0, 2.5 * heel), (gap, sole))]
    )
    return filtered(y, "high", 30)


def door(rng: Random, a: Attributes, n: int) -> Wave:
    """A door that falls shut: a low thud, and the rattle of its frame and latch."""
    m, ring = _size(0.9), scale(0.06, 0.18, a.length)
    thud = modes(
        scale(70, 120, a.pitch) * np.array([1.0, 1.6, 2.3, 3.9]),
        ring * np.array([1.0, 0.8, 0.6, 0.4]),
        np.array([1.0, 0.8, 0.5, 0.3]),
        m,
    )
    slam = filtered(white(rng, m), "low", scale(800, 3_000, a.brightness)) * decay(m, 0.05)
    rattle = filtered(white(rng, m), "band", 2_200, 1.5) * decay(m, 0.02) * 0.25
    hit = 1.5 * thud / (np.abs(thud).max() + 1e-9) + slam
    return distorted(laid(n, [(0.0, hit), (0.06, rattle), (0.14, 0.5 * rattle)]), a.distortion)


def breaking_glass(rng: Random, a: Attributes, n: int) -> Wave:
    """Glass that shatters: a crack, and pieces that ring as they fall."""
    span = scale(0.3, 1.0, a.length)
    m = _size(0.3)
    crack = filtered(white(rng, m), "high", scale(1_800, 4_500, a.brightness)) * decay(m, 0.05, 0.0003)
    pieces: list[tuple[float, Wave]] = [(0.0, crack * 1.2)]
    for time in rng.exponential(span * 0.45, int(scale(14, 34, a.force))):
        tones = rng.uniform(2_500, 11_000, 3)
        pieces.append(
            (float(time), modes(tones, rng.uniform(0.01, 0.06, 3), rng.uniform(0.1, 0.5, 3) * np.exp(-time / span), m))
        )
    return laid(n, pieces)


def car_horn(rng: Random, a: Attributes, n: int) -> Wave:
    """Two horns a third apart that stop at once."""
    f, whole = scale(330, 460, a.pitch), n / SAMPLE_RATE
    levels = harmonics("saw", mix(-0.1, 0.7, a.brightness))
    y = oscillator(f, levels, n, rng.random()) + oscillator(f * 1.26, levels, n, rng.random())
    y = y + filtered(y, "band", 1_800, 1.2)
    long = min(whole, scale(0.18, 1.2, a.length))
    return distorted(y * hold(n, long, 0.008, 0.03), max(a.distortion, 0.3))


def typing(rng: Random, a: Attributes, n: int) -> Wave:
    """Keys of a keyboard: clacks with the thud of the case, now and then a space bar."""
    m, pieces, time = _size(0.08), list[tuple[float, Wave]](), 0.0
    while time < n / SAMPLE_RATE and len(pieces) < 60:
        click = filtered(white(rng, m), "band", scale(2_000, 5_000, a.brightness) * rng.uniform(0.8, 1.2), 1.5) * decay(
            m, 0.006, 0.0005
        )
        case = sine(rng.uniform(150, 260), m) * decay(m, 0.012) * 0.25
        press: Wave = ((click + case) * rng.uniform(0.6, 1.0)).astype(np.float32)
        pieces += [(time, press), (time + 0.045, click * 0.3)]
        time += float(rng.uniform(0.07, 0.22))
    return laid(n, pieces)


def coin(rng: Random, a: Attributes, n: int) -> Wave:
    """The coin of a game console: a short square tone, then a fourth higher one that rings."""
    t, f = seconds_of(n), scale(800, 1_300, a.pitch)
    first = rng.uniform(0.06, 0.09)
    frequency = np.where(t < first, f, f * 4 / 3).astype(np.float32)
    level = np.where(t < first, 0.8, np.exp(-(t - first) / scale(0.1, 0.4, a.length)))
    return oscillator(frequency, harmonics("square", 0.6), n) * level.astype(np.float32)


def knock(rng: Random, a: Attributes, n: int) -> Wave:
    """Knuckles on wood, two to four times."""
    m = _size(0.2)
    wood = modes(
        scale(180, 380, a.pitch) * np.array([1.0, 1.9, 2.7, 4.4]),
        np.array([0.03, 0.02, 0.015, 0.01]),
        np.array([1.0, 0.7, 0.5, 0.3]),
        m,
    )
    tap = filtered(white(rng, m), "band", scale(800, 2_500, a.brightness), 1.0) * decay(m, 0.006)
    hit = wood / (np.abs(wood).max() + 1e-9) + 0.5 * tap
    gap = rng.uniform(0.13, 0.22)
    return laid(n, [(number * gap, hit * rng.uniform(0.8, 1.0)) for number in range(int(rng.integers(2, 5)))])


def heartbeat(rng: Random, a: Attributes, n: int) -> Wave:
    """A heart: lub, dub, and a pause. The thump around 150 Hz is what small speakers play of it."""
    m, period = _size(0.3), 60 / scale(60, 110, a.force)
    t = seconds_of(m)
    f = (scale(48, 80, a.pitch) * (1 + 0.8 * np.exp(-t / 0.02))).astype(np.float32)
    lub = sine(f, m) * decay(m, 0.06, 0.001) + 0.3 * sine(2 * f, m) * decay(m, 0.04)
    lub = lub + filtered(white(rng, m), "low", scale(140, 260, a.pitch), 0.7, 2) * decay(m, 0.02) * 1.5
    times = np.arange(0, n / SAMPLE_RATE, period)
    return laid(
        n, [(float(time + late), lub * level) for time in times for late, level in ((0.0, 1.0), (0.28 * period, 0.7))]
    )


def scratch(rng: Random, a: Attributes, n: int) -> Wave:
    """A record pushed and pulled under its needle."""
    t, rate = seconds_of(n), scale(2.5, 6.0, a.force)
    long = scale(0.25, 0.9, a.length)
    speed = np.sin(2 * np.pi * rate * np.minimum(t, long)) * (t < long)
    groove = filtered(white(rng, 2 * SAMPLE_RATE), "band", scale(500, 1_100, a.pitch), 1.2)
    place = np.cumsum(2.5 * speed) % len(groove)
    y = np.interp(place, np.arange(len(groove)), groove, period=len(groove)).astype(np.float32)
    return distorted(y * np.abs(speed).astype(np.float32) ** 0.7, a.distortion)


def paper(rng: Random, a: Attributes, n: int) -> Wave:
    """Paper or cloth that rustles: crackling in gestures, with pauses between them."""
    t, moving, time = seconds_of(n), np.full(n, 0.03), 0.0
    while time < n / SAMPLE_RATE:
        long = float(rng.uniform(0.12, 0.4))
        u = (t - time) / long
        moving += rng.uniform(0.5, 1.0) * np.clip(u / 0.04, 0, 1) * np.clip(1 - u, 0, 1) ** 1.2
        time += long * float(rng.uniform(0.8, 1.3))
    grain = white(rng, n) * (rng.random(n) < 0.12 * moving)
    friction = white(rng, n) * 0.12 * moving
    return filtered(
        ((grain + friction) * np.sqrt(moving)).astype(np.float32), "band", scale(2_500, 6_500, a.brightness), 0.6
    )


SOUNDS = (
    sound("footstep", footstep, "footstep, footsteps, step, steps, walking, walk, running feet", fits="brightness", force=(("slow",), ("fast",))),
    sound("door", door, "door, door slam, door close, slamming door, closing door, car door, door shut", fits="pitch brightness length distortion"),
    sound("breaking_glass", breaking_glass, "breaking glass, glass break, glass shatter, shattering glass, glass smash, broken glass, glass crash, smash", fits="brightness length", force=(("sparse",), ("dense", "heavy"))),
    sound("car_horn", car_horn, "car horn, horn, honk, truck horn, klaxon, air horn, beep beep, honking", fits="pitch brightness length"),
    sound("typing", typing, "typing, keyboard typing, typewriter, keyboard clicks, computer keyboard, mouse click, camera shutter", fits="brightness", fills=True),
    sound("coin", coin, "coin, 8 bit coin, coin pickup, game coin, power up, pickup, item, level up", fits="pitch length"),
    sound("knock", knock, "knock, knocking, door knock, wood knock, knock on wood, knock knock", fits="pitch brightness"),
    sound("heartbeat", heartbeat, "heartbeat, heart, heart beat, pulse, beating heart", fits="pitch", force=(("slow",), ("fast",)), fills=True),
    sound("scratch", scratch, "scratch, vinyl scratch, record scratch, dj scratch, turntable scratch, turntable", fits="pitch length distortion", force=(("slow",), ("fast",))),
    sound("paper", paper, "paper, rustle, paper rustle, crumple, cloth, rustling, page turn, leaves", fits="brightness", fills=True),
)  # fmt: skip
