"""Noises of machines that play sound, and of movement: (rng, attributes, n samples) → n samples."""

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
    metal,
    oscillator,
    scale,
    seconds_of,
    sine,
    swept,
    white,
)
from bridge.starter.sounds.sound import sound
from bridge.starter.sounds.tones import levelled, throughout

Random = np.random.Generator


def static(rng: Random, a: Attributes, n: int) -> Wave:
    """A radio between stations: noise that sputters, and whistles through it."""
    t = seconds_of(n)
    sputter = 0.6 + 0.4 * np.sign(filtered(white(rng, n), "low", 14.0))
    y = filtered(white(rng, n), "band", scale(1_500, 4_500, a.brightness), 0.6) * sputter
    tune = sine(
        (1_200 + 800 * np.sin(2 * np.pi * rng.uniform(0.3, 1.0) * t + 6.28 * rng.random())).astype(np.float32), n
    )
    return ((y + 0.12 * tune) * throughout(n, 0.03)).astype(np.float32)


def tape_hiss(rng: Random, a: Attributes, n: int) -> Wave:
    """A tape without music: steady high noise."""
    y = filtered(white(rng, n), "high", scale(1_500, 5_000, a.brightness))
    return (y + filtered(white(rng, n), "low", 200) * 0.1) * throughout(n, 0.03)


def room_tone(rng: Random, a: Attributes, n: int) -> Wave:
    """A quiet room: low, soft noise, as of far-away air."""
    y = filtered(filtered(white(rng, n), "low", scale(120, 500, a.brightness), 0.7, 2), "high", 40)
    return (levelled(y) + filtered(white(rng, n), "low", 2_500) * 0.13) * throughout(n, 0.03)


def vinyl_stop(rng: Random, a: Attributes, n: int) -> Wave:
    """A record that is stopped: a chord that slows down until it stands."""
    t, span = seconds_of(n), scale(0.35, 1.3, a.length)
    speed = np.clip(1 - t / span, 0, 1) ** 1.3
    f, y = scale(180, 360, a.pitch), np.zeros(n, dtype=np.float32)
    for semitones in (0, 3, 7, 12):
        y += oscillator(
            (f * 2 ** (semitones / 12) * speed + 1).astype(np.float32),
            harmonics("saw", scale(0.5, 1.4, a.brightness) - 1),
            n,
            rng.random(),
        )
    turn = (np.cumsum(speed) / SAMPLE_RATE * 6) % 1
    beat = 1 + 0.8 * np.minimum(turn / 0.02, 1) * np.exp(-turn * 6)  # its edge takes 3 ms, so that it does not click
    return (y * beat * np.clip(speed * 8, 0, 1)).astype(np.float32)


def whoosh(rng: Random, a: Attributes, n: int) -> Wave:
    """Something that flies past: noise that swells, peaks and is gone, higher when it comes near."""
    t, span = seconds_of(n), scale(0.25, 1.2, a.length)
    near = np.exp(-(((t - 0.55 * span) / (0.18 * span)) ** 2))
    y = swept(white(rng, n), "band", scale(350, 1_100, a.pitch) * (1 + 2.5 * near), 1.2)
    return (
        y * near
        + scale(0.03, 0.5, a.brightness) * filtered(white(rng, n), "high", scale(1_500, 5_000, a.brightness)) * near**2
    ).astype(np.float32)


def reverse_cymbal(rng: Random, a: Attributes, n: int) -> Wave:
    """A crash played backwards: it swells until it stops."""
    t, whole = seconds_of(n), n / SAMPLE_RATE
    ring = scale(0.15, 0.5, a.length) * whole
    wash = filtered(
        metal(rng, scale(240, 420, a.pitch), n) * 0.5 + white(rng, n), "high", scale(1_500, 4_500, a.brightness)
    )
    return (wash * np.exp((t - whole) / ring)).astype(np.float32)


def explosion(rng: Random, a: Attributes, n: int) -> Wave:
    """An explosion: a blast, a long rumble and debris."""
    ring = scale(0.7, 2.2, a.length)
    blast = filtered(white(rng, n), "low", scale(1_500, 6_000, a.brightness)) * decay(n, 0.12, 0.001)
    rumble = filtered(white(rng, n), "low", scale(90, 200, a.brightness), 0.7, 2) * decay(n, ring, 0.02) * 5
    debris = filtered(white(rng, n) * (rng.random(n) < 0.004), "band", 2_500, 0.8) * decay(n, ring * 0.6, 0.1) * 6
    return distorted(
        filtered(np.tanh(1.6 * (blast + rumble)).astype(np.float32), "high", 30) + 0.5 * debris, max(a.distortion, 0.3)
    )


def white_noise(rng: Random, a: Attributes, n: int) -> Wave:
    """Plain noise of all frequencies."""
    y = white(rng, n)
    return (filtered(y, "low", scale(4_000, 20_000, 2 * a.brightness + 1)) if a.brightness < 0 else y) * throughout(
        n, 0.03
    )


SOUNDS = (
    sound("static", static, "static, radio static, radio noise, interference, tv static, radio, tuning radio", fits="brightness", fills=True),
    sound("tape_hiss", tape_hiss, "tape hiss, tape noise, hiss, cassette noise, cassette, noise floor, steam, hissing", fits="brightness", fills=True),
    sound("room_tone", room_tone, "room tone, ambience, room noise, air conditioner, room ambience, background noise, airplane cabin, spaceship hum", fits="brightness", fills=True),
    sound("vinyl_stop", vinyl_stop, "vinyl stop, tape stop, record stop, turntable stop, tapestop, power down, slow down, spin down", fits="pitch brightness length"),
    sound("whoosh", whoosh, "whoosh, swoosh, swish, fly by, whip, pass by, transition whoosh, air whoosh", fits="pitch brightness length"),
    sound("reverse_cymbal", reverse_cymbal, "reverse cymbal, reversed cymbal, reverse crash, reverse swell, cymbal swell, suck", fits="pitch brightness length", fills=True),
    sound("explosion", explosion, "explosion, bomb, blast, exploding, detonation, nuclear explosion, big explosion", fits="brightness length"),
    sound("white_noise", white_noise, "white noise, pink noise, noise, noise burst, static noise", fits="brightness", fills=True),
)  # fmt: skip
