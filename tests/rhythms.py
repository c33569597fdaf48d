"""Clips with a known tempo and known roots, for the tests and for bench.measure_tempo."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import soxr

from bridge.audio.beats import Samples
from bridge.starter.catalogue import BY_NAME, draw
from bridge.starter.sounds import drums
from bridge.starter.sounds.parts import SAMPLE_RATE, Attributes

RATE = 48_000

# The sixteenths of a 4/4 bar at which each drum sounds, and how late the even eighths are (in sixteenths).
PATTERNS: dict[str, tuple[dict[str, tuple[float, ...]], float]] = {
    "four on the floor": ({"kick": (0, 4, 8, 12), "open_hat": (2, 6, 10, 14), "clap": (4, 12)}, 0.0),
    "rock": ({"kick": (0, 8, 10), "snare": (4, 12), "closed_hat": tuple(range(0, 16, 2))}, 0.0),
    "swing": ({"kick": (0, 8), "snare": (4, 12), "closed_hat": tuple(range(0, 16, 2))}, 0.67),
    "breakbeat": ({"kick": (0, 2, 10, 11), "snare": (4, 7, 9, 12, 15), "closed_hat": tuple(range(0, 16, 2))}, 0.0),
    "3-3-2": ({"kick": (0, 3, 6, 8, 11, 14), "rim": (4, 12), "shaker": tuple(range(0, 16, 2))}, 0.0),
}

# Harder ones: rolls of 32nds, pauses, no downbeat on the hats.
OTHERS: dict[str, tuple[dict[str, tuple[float, ...]], float]] = {
    "trap": (
        {"kick": (0, 7, 10), "clap": (4, 12), "closed_hat": (0, 2, 4, 6, 6.5, 7, 7.5, 8, 10, 12, 14, 14.5, 15, 15.5)},
        0.0,
    ),
    "sparse": ({"kick": (0,), "rim": (10,), "snare": (12,)}, 0.0),
    "sixteenths": ({"kick": (0, 6, 8), "snare": (4, 12), "closed_hat": tuple(range(16))}, 0.0),
}


def click(length: int = 1_200) -> Samples:
    """25 ms of a decaying 2 kHz tone that begins with its attack."""
    time = np.arange(length) / RATE
    return (0.8 * np.cos(2 * np.pi * 2_000 * time) * np.exp(-time / 0.004)).astype(np.float32)


def clicks(bpm: float, seconds: float, start_s: float = 0.0) -> Samples:
    """A click on each beat from `start_s` on: (frames, 1)."""
    out = np.zeros(round(seconds * RATE), np.float32)
    sound, beat = click(), 0
    while (at := round((start_s + beat * 60 / bpm) * RATE)) < len(out):
        piece = sound[: len(out) - at]
        out[at : at + len(piece)] += piece
        beat += 1
    return out[:, None]


@functools.cache
def hit(name: str) -> Samples:
    """A drum of the starter at 48 kHz, beginning with its attack."""
    wave = getattr(drums, name)(np.random.default_rng(5), Attributes(), SAMPLE_RATE // 2)
    return np.asarray(soxr.resample(wave / np.abs(wave).max(), SAMPLE_RATE, RATE, "HQ"), np.float32)


@functools.cache
def synthesised(name: str) -> Samples:
    """A drum that is not of the starter's code, and whose like no checkpoint of ours was trained with, beginning with its attack."""
    time, noise = np.arange(RATE // 2) / RATE, np.random.default_rng(8).uniform(-1, 1, RATE // 2)
    bright = np.diff(noise, 2, prepend=(0.0, 0.0)) / 4
    metal = sum(np.sign(np.sin(2 * np.pi * hertz * time)) for hertz in (2_051, 3_049, 4_271, 5_393)) / 4
    waves = {
        "kick": np.sin(2 * np.pi * (44 * time + 5 * (1 - np.exp(-40 * time)))) * np.exp(-time / 0.14)
        + 0.2 * noise * np.exp(-time / 0.002),
        "snare": 0.6 * np.sin(2 * np.pi * 205 * time) * np.exp(-time / 0.05) + 0.6 * noise * np.exp(-time / 0.08),
        "clap": noise * (np.exp(-time / 0.07) * 0.5 + np.exp(-((time % 0.011) / 0.003)) * (time < 0.033)),
        "rim": np.sin(2 * np.pi * 1_650 * time) * np.exp(-time / 0.012) + 0.3 * bright * np.exp(-time / 0.004),
        "closed_hat": (bright + 0.3 * metal) * np.exp(-time / 0.03),
        "open_hat": (bright + 0.3 * metal) * np.exp(-time / 0.16),
        "shaker": bright * np.minimum(1, time / 0.012) * np.exp(-time / 0.04),
    }
    return np.asarray(waves[name] / np.abs(waves[name]).max(), np.float32)


LEVELS = {"kick": 0.9, "snare": 0.6, "clap": 0.5, "rim": 0.5, "open_hat": 0.25, "closed_hat": 0.25, "shaker": 0.25}


def places(pattern: str, bars: float, bpm: float) -> list[tuple[str, float]]:
    """(drum, seconds after the first beat), in time."""
    hits, swing = (PATTERNS | OTHERS)[pattern]
    sixteenth = 15 / bpm
    onsets = []
    for bar in range(int(np.ceil(bars))):
        for name, steps in hits.items():
            for step in steps:
                late = swing if step % 4 == 2 else 0.0
                onsets.append((name, (16 * bar + step + late) * sixteenth))
    return sorted((place for place in onsets if place[1] < bars * 16 * sixteenth - 1e-9), key=lambda place: place[1])


def rhythm(
    pattern: str,
    bpm: float,
    bars: float,
    start_s: float = 0.0,
    loose_s: float = 0.0,
    sounds: Callable[[str], Samples] = hit,
) -> Samples:
    """`bars` bars of a pattern after `start_s` of silence. `loose_s`: standard deviation of the hits, as if played by hand."""
    rng = np.random.default_rng(4)
    count = round((start_s + bars * 240 / bpm) * RATE)
    out = np.zeros(count + RATE, np.float32)
    for name, second in places(pattern, bars, bpm):
        at = max(0, round((start_s + second + loose_s * rng.normal()) * RATE))
        sound = sounds(name) * LEVELS[name]
        out[at : at + len(sound)] += sound[: len(out) - at]
    return (out[:count] / np.abs(out).max() * 0.89)[:, None]


def tone(hertz: float, seconds: float, partials: int = 8, fall: float = 1.0) -> Samples:
    """A steady tone; the amplitude of partial n is 1 / n^fall: (frames, 1)."""
    time = np.arange(round(seconds * RATE)) / RATE
    numbers = [n for n in range(1, partials + 1) if n * hertz < 20_000]
    wave = sum(np.sin(2 * np.pi * n * hertz * time + n) / n**fall for n in numbers)
    return np.asarray(0.5 * wave / np.abs(wave).max(), np.float32)[:, None]


def chord(hertz: float, semitones: tuple[int, ...], seconds: float) -> Samples:
    """Tones `semitones` above `hertz`, mixed."""
    voices = [tone(hertz * 2 ** (step / 12), seconds) for step in semitones]
    return np.asarray(sum(voices) / len(voices), np.float32)


def starter(name: str, semitones: float, octave: int, seconds: float = 2.0, seed: int = 3) -> Samples:
    """A sound of the starter, which plays a C, `semitones` higher, at 48 kHz: (frames, 1)."""
    rng = np.random.default_rng(seed)
    sound = BY_NAME[name]
    attributes = draw(rng, sound)
    attributes = Attributes(
        attributes.pitch, attributes.brightness, 0.5, attributes.force, 0.0, octave, attributes.wave, "single"
    )
    wave = sound.make(rng, attributes, round(seconds * 1.5 * SAMPLE_RATE))
    higher = soxr.resample(wave / np.abs(wave).max(), SAMPLE_RATE * 2 ** (semitones / 12), RATE, "HQ")
    return np.asarray(higher[: round(seconds * RATE)], np.float32)[:, None]


def worst_off_ms(clip: Samples, expected: list[float], within_s: float = 0.025, threshold: float = 0.3) -> float:
    """The largest distance in ms between one of the `expected` frames and the onset nearby, which is where the sound first
    reaches `threshold` of its peak. Independent of bridge.audio.beats."""
    wave, worst = np.abs(clip[:, 0]), 0.0
    for place in expected:
        low = max(0, round(place - within_s * RATE))
        part = wave[low : round(place + within_s * RATE)]
        if part.max(initial=0.0) < 0.05:
            return float("inf")  # nothing sounds there
        worst = max(worst, abs(low + int(np.argmax(part > threshold * part.max())) - place) / RATE * 1000)
    return worst
