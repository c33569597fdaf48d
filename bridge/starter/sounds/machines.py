"""Machines and signals: (rng, attributes, n samples) → n samples. Continuous sounds fill the clip."""

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
    mix,
    oscillator,
    scale,
    seconds_of,
    sine,
    white,
)
from bridge.starter.sounds.sound import sound
from bridge.starter.sounds.tones import throughout

Random = np.random.Generator


def machine_hum(rng: Random, a: Attributes, n: int) -> Wave:
    """A transformer or fridge: harmonics of the mains, and air."""
    f = scale(98, 122, a.pitch)
    k = np.arange(1, 21)
    levels = rng.uniform(0.2, 1.0, 20) / k ** scale(1.6, 0.7, a.brightness)
    y = oscillator(f, levels, n, rng.random())
    return (y + filtered(white(rng, n), "band", 600, 0.5) * 0.08 * float(np.abs(y).max())) * throughout(n, 0.05)


def engine(rng: Random, a: Attributes, n: int) -> Wave:
    """A motor: explosions that follow one another, uneven from cylinder to cylinder."""
    t, f = seconds_of(n), scale(22, 70, a.pitch)
    turn = np.cumsum(f * (1 + 0.02 * np.sin(2 * np.pi * 0.7 * t))) / SAMPLE_RATE
    cylinders = rng.uniform(0.6, 1.0, 4)
    strength = cylinders[np.floor(turn).astype(int) % 4]
    knock = np.exp(-(turn % 1) * scale(5, 14, a.brightness)) * strength
    y = (
        filtered((knock - knock.mean()).astype(np.float32), "low", scale(500, 2_500, a.brightness))
        + filtered(white(rng, n), "band", 900, 0.6) * knock * 0.25
    )
    return filtered(distorted((y * throughout(n, 0.05)).astype(np.float32), max(a.distortion, 0.4)), "high", 25)


def helicopter(rng: Random, a: Attributes, n: int) -> Wave:
    """Rotor blades: thuds of noise many times a second over a turbine's whine."""
    t, rate = seconds_of(n), scale(9, 15, a.pitch)
    blade = np.exp(-((t * rate + rng.random()) % 1) * 6)
    y = filtered(filtered(white(rng, n), "low", scale(300, 1_200, a.brightness)), "high", 35) * blade + 0.03 * filtered(
        white(rng, n), "band", 3_500, 1.0
    )
    return (y * throughout(n, 0.05)).astype(np.float32)


def telephone(rng: Random, a: Attributes, n: int) -> Wave:
    """An old telephone: two bells struck in turns, for a second and then not."""
    t = seconds_of(n)
    f, ringing = scale(900, 1_500, a.pitch), ((t % 1.6) < 1.0).astype(np.float32)
    hammer = np.exp(-((t * 22) % 1) * 2.5)
    y = sine(f, n) + 0.7 * sine(f * 1.25, n) + 0.5 * sine(f * 2.71, n) + 0.3 * sine(f * 4.3, n)
    return (y * hammer * filtered(ringing, "low", 25)).astype(np.float32)


def beep(rng: Random, a: Attributes, n: int) -> Wave:
    """An electronic beep, once or several times."""
    t, f = seconds_of(n), scale(700, 2_400, a.pitch)
    period = float(rng.choice((0.0, 0.25, 0.4)))
    long = scale(0.06, 0.4, a.length) if not period else scale(0.25, 0.75, a.length) * period
    on = ((t % period) < long) if period else (t < long)
    smooth = filtered(on.astype(np.float32), "low", 200)
    return (sine(f, n) + mix(0.0, 0.3, a.brightness) * sine(3 * f, n)) * smooth


def gunshot(rng: Random, a: Attributes, n: int) -> Wave:
    """A shot: a blast within a millisecond, and its echo outdoors."""
    ring = scale(0.08, 0.5, a.length)
    blast = filtered(white(rng, n), "low", scale(3_000, 12_000, a.brightness)) * decay(n, 0.018, 0.0002)
    tail = filtered(white(rng, n), "low", scale(700, 1_800, a.brightness)) * decay(n, ring, 0.01) * 0.35
    thump = sine(scale(60, 110, a.pitch), n) * decay(n, 0.05)
    return distorted(np.tanh(2.5 * (blast + thump)).astype(np.float32) + tail, a.distortion)


def robot(rng: Random, a: Attributes, n: int) -> Wave:
    """A robot or computer: quick tones of random pitch."""
    y, at = np.zeros(n, dtype=np.float32), 0
    while at < n:
        size = min(n - at, int(rng.uniform(0.04, 0.12) * SAMPLE_RATE))
        f = scale(300, 1_600, a.pitch) * 2 ** rng.uniform(-1, 1)
        u = np.linspace(0, 1, size, dtype=np.float32)
        y[at : at + size] = oscillator(
            (f * 2 ** (rng.uniform(-0.6, 0.6) * u)).astype(np.float32),
            harmonics("square", mix(-0.6, 0.6, a.brightness), 12),
            size,
        ) * np.minimum(1, 12 * (1 - u))
        at += size
    return y


SOUNDS = (
    sound("machine_hum", machine_hum, "machine hum, hum, electric hum, fridge, mains hum, buzz, buzzing, electric buzz, transformer, amp hum", fits="pitch brightness", fills=True),
    sound("engine", engine, "engine, motor, car engine, motorbike, machine, motorcycle, truck, car, tractor, chainsaw", fits="pitch brightness distortion", fills=True),
    sound("helicopter", helicopter, "helicopter, chopper, rotor, fan, propeller", fits="pitch brightness", fills=True),
    sound("telephone", telephone, "telephone, phone, phone ring, telephone ring, alarm clock, old phone, ringing phone, school bell", fits="pitch", fills=True),
    sound("beep", beep, "beep, bleep, computer beep, notification, sonar, censor beep, ui beep, beeps, ping", fits="pitch brightness length"),
    sound("gunshot", gunshot, "gunshot, gun shot, gun, shot, rifle, pistol, gun fire, machine gun", fits="pitch brightness length distortion"),
    sound("robot", robot, "robot, robot voice, droid, computer, sci fi computer, r2d2, modem, data", fits="pitch brightness", fills=True),
)  # fmt: skip
