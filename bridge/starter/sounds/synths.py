"""Synthesisers: (rng, attributes, n samples) → n samples at a C, as in tones.py."""

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
    hz_of_c,
    mix,
    oscillator,
    scale,
    seconds_of,
    sine,
    swept,
)
from bridge.starter.sounds.sound import TONE, sound
from bridge.starter.sounds.tones import held, levelled, release_s

Random = np.random.Generator


def supersaw(rng: Random, a: Attributes, n: int) -> Wave:
    """Seven saws side by side, the middle one louder, as on the JP-8000."""
    f, y = hz_of_c(a.octave), np.zeros(n, dtype=np.float32)
    levels = harmonics("saw", mix(0.2, 1.0, a.brightness))
    for detune in (-0.012, -0.007, -0.003, 0.0, 0.003, 0.007, 0.012):
        y += np.float32(1.0 if detune else 2.0) * oscillator(f * (1 + detune), levels, n, rng.random())
    return distorted(levelled(y), a.distortion) * hold(n, held(a, n, 0.3), 0.005, min(0.06, release_s(n)))


def acid(rng: Random, a: Attributes, n: int) -> Wave:
    """A TB-303: one saw or square behind a resonant filter that snaps down."""
    f, t = hz_of_c(a.octave), seconds_of(n)
    ring = scale(0.05, 0.35, a.length)
    cut = scale(300, 900, a.brightness) * (1 + scale(4, 14, a.brightness) * np.exp(-t / ring))
    y = swept(oscillator(f, harmonics(a.wave, 1.0), n), "low", np.minimum(cut, 16_000), rng.uniform(5, 9), 1)
    driven = distorted(np.tanh(1.5 * y).astype(np.float32), max(a.distortion, 0.4))
    # A resonant filter leans to one side of zero, which clipping turns into a constant.
    return filtered(driven, "high", 40) * hold(n, min(n / SAMPLE_RATE, max(0.3, 4 * ring)), 0.003, 0.02)


def reese(rng: Random, a: Attributes, n: int) -> Wave:
    """A reese: low saws apart, whose beating moves through a filter."""
    f, y = hz_of_c(a.octave), np.zeros(n, dtype=np.float32)
    levels = harmonics("saw", mix(0.0, 0.8, a.brightness))
    for detune, level in ((-0.010, 0.7), (0.0, 1.0), (0.010, 0.7)):
        y += np.float32(level) * oscillator(f * (1 + detune), levels, n, rng.random())
    t = seconds_of(n)
    moved = swept(
        y, "low", scale(700, 3_500, a.brightness) * 2 ** (0.7 * np.sin(2 * np.pi * 1.7 * t + 6.28 * rng.random())), 1.2
    )
    voiced = levelled(moved + np.float32(0.5) * sine(f, n))
    return distorted(voiced, max(a.distortion, 0.3)) * hold(n, n / SAMPLE_RATE, 0.01, min(0.05, release_s(n)))


def wobble(rng: Random, a: Attributes, n: int) -> Wave:
    """A dubstep wobble: a filter that opens and closes several times a second."""
    f, t = hz_of_c(a.octave), seconds_of(n)
    rate = float(rng.choice((5.0, 8.0, 12.0)))
    swing = 0.5 - 0.5 * np.cos(2 * np.pi * rate * t)
    source = oscillator(f, harmonics("saw", 1.0), n) + oscillator(f * 1.005, harmonics("square", 0.8), n, rng.random())
    y = swept(source, "low", 150 * (scale(25, 70, a.brightness) ** swing), 4.0)
    driven = filtered(distorted(y, max(a.distortion, 0.4)), "high", 40)
    return driven * hold(n, n / SAMPLE_RATE, 0.005, min(0.05, release_s(n)))


def sub_drop(rng: Random, a: Attributes, n: int) -> Wave:
    """A falling sub: a loud low sine that dives for one or two seconds."""
    t, ring = seconds_of(n), scale(0.4, 1.6, a.length)
    f = 28 + scale(90, 220, a.pitch) * np.exp(-t / (0.5 * ring))
    y = np.tanh(scale(1.0, 3.0, a.brightness) * sine(f.astype(np.float32), n)).astype(np.float32)
    return distorted(y * decay(n, ring, 0.004), a.distortion)


def hoover(rng: Random, a: Attributes, n: int) -> Wave:
    """A rave hoover: saws that slide up to their pitch, pulsing."""
    f, t = hz_of_c(a.octave), seconds_of(n)
    slide = 2 ** (-0.8 * np.exp(-t / 0.07))
    levels, y = harmonics("saw", mix(0.1, 0.9, a.brightness)), np.zeros(n, dtype=np.float32)
    for detune, octave, level in (
        (0.0, 0.5, 0.6),
        (0.0, 1.0, 1.0),
        (0.010, 1.0, 0.6),
        (-0.010, 1.0, 0.6),
        (0.003, 2.0, 0.4),
    ):
        y += np.float32(level) * oscillator(
            (f * octave * (1 + detune) * slide).astype(np.float32), levels, n, rng.random()
        )
    pulse = (0.92 + 0.08 * np.sin(2 * np.pi * 7 * t)).astype(np.float32)
    return distorted(levelled(y) * pulse, a.distortion) * hold(n, held(a, n, 0.4), 0.01, min(0.06, release_s(n)))


SOUNDS = (
    sound("supersaw", supersaw, "supersaw, super saw, trance lead, trance saw, big saw, hypersaw, supersaw chord, saw lead, edm lead", fits=TONE, octaves=(3, 4, 5), fills=True),
    sound("acid", acid, "acid, acid line, acid bass, 303, tb 303, acid synth, squelch", fits=TONE, octaves=(3,), waves=("saw", "square")),
    sound("reese", reese, "reese, reese bass, neuro bass, growl bass, growl, neurofunk bass, moving bass", fits="brightness distortion", octaves=(3,), fills=True),
    sound("wobble", wobble, "wobble, wobble bass, dubstep bass, wub, dubstep wobble, wubs", fits="brightness distortion", octaves=(3,), fills=True),
    sound("sub_drop", sub_drop, "sub drop, bass drop, 808 drop, sub boom, bass dive, sub dive", fits="pitch brightness length"),
    sound("hoover", hoover, "hoover, rave hoover, mentasm, rave synth, hoover synth", fits=TONE, octaves=(3, 4), fills=True),
)  # fmt: skip
