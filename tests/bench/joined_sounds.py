"""Sounds that no network made, for measure_continue: each of (seconds, pitch in Hz, seed) at 48 kHz."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import soxr

from bridge.domain.clip import OUTPUT_RATE
from bridge.starter.catalogue import BY_NAME, LEAD_IN, draw, render
from bridge.starter.sounds.parts import SAMPLE_RATE

Wave = np.ndarray
Make = Callable[[float, float, int], Wave]


def _seconds(seconds: float) -> Wave:
    return np.arange(round(seconds * OUTPUT_RATE)) / OUTPUT_RATE


def _level(wave: Wave, peak: float = 0.6) -> Wave:
    return (peak * wave / np.abs(wave).max()).astype(np.float32)


def _band(wave: Wave, low_hz: float, high_hz: float) -> Wave:
    """The part of a wave between two frequencies, with soft edges."""
    hz = np.fft.rfftfreq(len(wave), 1 / OUTPUT_RATE)
    gain = 1 / (1 + (low_hz / np.maximum(hz, 1)) ** 4) / (1 + (hz / high_hz) ** 4)
    return np.fft.irfft(np.fft.rfft(wave) * gain, len(wave))


def _partials(t: Wave, hz: Wave | float, gains: Wave, rng: np.random.Generator) -> Wave:
    """Harmonics of a pitch that may move."""
    turns = np.cumsum(np.broadcast_to(hz, t.shape)) / OUTPUT_RATE
    wave = np.zeros(len(t))
    for number, gain in enumerate(gains, 1):
        if number * float(np.max(hz)) < 18_000:
            wave += gain * np.sin(2 * np.pi * (number * turns + rng.random()))
    return wave


def _attack(t: Wave, seconds: float) -> Wave:
    return np.clip(t / seconds, 0, 1)


def strings(seconds: float, hz: float, seed: int) -> Wave:
    """Three saws, each with a vibrato of its own, and bow noise."""
    rng, t = np.random.default_rng(seed), _seconds(seconds)
    wave = np.zeros(len(t))
    for _ in range(3):
        vibrato = 1 + 0.004 * np.sin(2 * np.pi * (rng.uniform(4.8, 6.2) * t + rng.random()))
        wave += _partials(t, hz * vibrato, 1 / np.arange(1, 26), rng)
    noise = _band(rng.normal(size=len(t)), 2_000, 6_000)
    return _level((wave + 0.3 * noise) * _attack(t, 0.1))


def pad(seconds: float, hz: float, seed: int) -> Wave:
    """A minor chord of detuned saws."""
    rng, t = np.random.default_rng(seed), _seconds(seconds)
    wave = sum(
        _partials(t, hz * 2 ** (up / 12) * detune, np.arange(1, 21) ** -1.6, rng)
        for up in (0, 3, 7)
        for detune in (0.9985, 1.0015)
    )
    return _level(wave * _attack(t, 0.3))


def organ(seconds: float, hz: float, seed: int) -> Wave:
    """Drawbars with a slow tremolo."""
    rng, t = np.random.default_rng(seed), _seconds(seconds)
    gains = np.array([1.0, 0.8, 0.4, 0.4, 0.0, 0.25, 0.0, 0.3])
    return _level(_partials(t, hz, gains, rng) * (1 + 0.1 * np.sin(2 * np.pi * 5.8 * t)) * _attack(t, 0.01))


def flute(seconds: float, hz: float, seed: int) -> Wave:
    """Few partials with a vibrato, and breath."""
    rng, t = np.random.default_rng(seed), _seconds(seconds)
    vibrato = 1 + 0.003 * np.sin(2 * np.pi * 5.2 * t)
    breath = _band(rng.normal(size=len(t)), 1.5 * hz, 8 * hz)
    return _level((_partials(t, hz * vibrato, np.array([1, 0.35, 0.15, 0.05]), rng) + 0.05 * breath) * _attack(t, 0.08))


def brass(seconds: float, hz: float, seed: int) -> Wave:
    """Many strong partials that open slowly."""
    rng, t = np.random.default_rng(seed), _seconds(seconds)
    numbers = np.arange(1, 31)
    bright, dark = (_partials(t, hz, numbers**-slope, np.random.default_rng(seed)) for slope in (0.8, 1.8))
    return _level((dark + (bright - dark) * _attack(t, 0.4) + 0.02 * rng.normal(size=len(t))) * _attack(t, 0.06))


def bell(seconds: float, hz: float, seed: int) -> Wave:
    """A church bell's partials, the high ones short."""
    rng, t = np.random.default_rng(seed), _seconds(seconds)
    ratios = np.array([0.5, 1.0, 1.19, 1.5, 2.0, 2.51, 2.66, 3.01, 4.1])
    gains = np.array([0.4, 1.0, 0.5, 0.3, 0.7, 0.3, 0.3, 0.3, 0.2])
    wave = sum(
        gain * np.sin(2 * np.pi * (hz * ratio * t + rng.random())) * np.exp(-t * (0.7 + 0.3 * ratio) / 1.4)
        for ratio, gain in zip(ratios, gains, strict=True)
    )
    return _level(np.asarray(wave))


def pluck(seconds: float, hz: float, seed: int) -> Wave:
    """A plucked string (K. Karplus and A. Strong, Computer Music Journal, 1983)."""
    rng = np.random.default_rng(seed)
    period = OUTPUT_RATE / hz - 0.5
    line, out = rng.uniform(-1, 1, int(period)), np.zeros(round(seconds * OUTPUT_RATE))
    for at in range(0, len(out), len(line)):
        part = line[: len(out) - at]
        out[at : at + len(part)] = part
        line = 0.4985 * (line + np.roll(line, 1))
    # The whole number of samples is a little sharp or flat: play it at the exact pitch.
    exact = np.arange(len(out)) * (int(period) + 0.5) / (period + 0.5)
    return _level(np.interp(exact, np.arange(len(out)), out))


def electric_piano(seconds: float, hz: float, seed: int) -> Wave:
    """Frequency modulation that fades."""
    t = _seconds(seconds)
    index = 1.6 * np.exp(-t / 0.5)
    body = np.sin(2 * np.pi * hz * t + index * np.sin(2 * np.pi * hz * t + seed))
    return _level(body * np.exp(-t / 1.1) * _attack(t, 0.003))


def lead(seconds: float, hz: float, seed: int) -> Wave:
    """A square with a delayed vibrato."""
    rng, t = np.random.default_rng(seed), _seconds(seconds)
    vibrato = 1 + 0.004 * np.sin(2 * np.pi * 5.5 * t) * np.clip(3 * t - 0.6, 0, 1)
    gains = np.array([1 / number if number % 2 else 0.0 for number in range(1, 30)])
    return _level(_partials(t, hz * vibrato, gains, rng) * _attack(t, 0.005))


def choir(seconds: float, hz: float, seed: int) -> Wave:
    """Voices with a vowel's formants, a little apart from each other."""
    rng, t = np.random.default_rng(seed), _seconds(seconds)
    numbers = np.arange(1, 31)
    formants = sum(
        np.exp(-(((numbers * hz - middle) / width) ** 2)) for middle, width in ((600, 150), (1_040, 200), (2_250, 300))
    )
    wave = np.zeros(len(t))
    for _ in range(4):
        drift = 1 + 0.003 * np.sin(2 * np.pi * (rng.uniform(4.5, 6) * t + rng.random())) + 0.002 * rng.normal()
        wave += _partials(t, hz * drift, formants / np.sqrt(numbers) + 0.02 / numbers, rng)
    return _level(wave * _attack(t, 0.15))


def rain(seconds: float, hz: float, seed: int) -> Wave:
    """Hiss and drops."""
    rng, t = np.random.default_rng(seed), _seconds(seconds)
    wave = 0.05 * _band(rng.normal(size=len(t)), 1_500, 12_000)
    for at in rng.integers(0, len(t), round(120 * seconds)):
        size = min(600, len(t) - at)
        wave[at : at + size] += (
            rng.uniform(0.02, 0.2) * np.exp(-np.arange(size) / 80) * np.sin(np.arange(size) * rng.uniform(0.2, 0.9))
        )
    return _level(wave, 0.5)


def wind(seconds: float, hz: float, seed: int) -> Wave:
    """Low noise that swells slowly."""
    rng, t = np.random.default_rng(seed), _seconds(seconds)
    low, high = _band(rng.normal(size=len(t)), 100, 500), _band(rng.normal(size=len(t)), 300, 1_500)
    swell = 0.5 + 0.3 * np.sin(2 * np.pi * (0.3 * t + rng.random()))
    return _level(low * (1 - swell) + high * swell, 0.4)


def crackle(seconds: float, hz: float, seed: int) -> Wave:
    """Clicks over a soft rumble."""
    rng, t = np.random.default_rng(seed), _seconds(seconds)
    wave = 0.01 * _band(rng.normal(size=len(t)), 50, 400)
    for at in rng.integers(0, len(t), round(25 * seconds)):
        size = min(240, len(t) - at)
        wave[at : at + size] += rng.uniform(0.1, 0.8) * np.exp(-np.arange(size) / 40) * rng.normal(size=size)
    return _level(wave, 0.5)


def cymbal(seconds: float, hz: float, seed: int) -> Wave:
    """High noise that rings for long."""
    rng, t = np.random.default_rng(seed), _seconds(seconds)
    return _level(_band(rng.normal(size=len(t)), 4_000, 16_000) * np.exp(-t / 1.2) * _attack(t, 0.002))


def sea(seconds: float, hz: float, seed: int) -> Wave:
    """Broad noise, louder and softer."""
    rng, t = np.random.default_rng(seed), _seconds(seconds)
    wave = 0.7 + 0.3 * np.sin(2 * np.pi * (0.4 * t + rng.random()))
    return _level(_band(rng.normal(size=len(t)), 150, 3_000) * wave, 0.4)


def kind(name: str, octave: int) -> Make:
    """Sounds of the starter's catalogue, each seed with other attributes, four semitones above the C that it was trained with."""

    def make(seconds: float, hz: float, seed: int) -> Wave:
        rng = np.random.default_rng(seed)
        attributes = dataclasses.replace(draw(rng, BY_NAME[name]), octave=octave, length=1.0, distortion=0.0)
        longer = round((seconds + 0.1) * SAMPLE_RATE * 2 ** (4 / 12))
        wave = render(rng, BY_NAME[name], attributes, longer + LEAD_IN)[LEAD_IN:]
        return soxr.resample(wave, SAMPLE_RATE * 2 ** (4 / 12), OUTPUT_RATE, "HQ")[: round(seconds * OUTPUT_RATE)]

    return make


# Name, words as they would come from the file's name, pitch in Hz. The starter does not know flute, brass, electric piano and choir.
TONES: tuple[tuple[str, str, float, Make], ...] = (
    ("strings", "strings", 369.99, strings),
    ("pad", "warm pad", 155.56, pad),
    ("organ", "organ", 220.0, organ),
    ("flute", "flute", 587.33, flute),
    ("brass", "brass section", 233.08, brass),
    ("bell", "bell", 698.46, bell),
    ("pluck", "guitar pluck", 196.0, pluck),
    ("electric piano", "rhodes", 329.63, electric_piano),
    ("lead", "synth lead", 493.88, lead),
    ("choir", "choir aah", 277.18, choir),
)
TEXTURES: tuple[tuple[str, str, float, Make], ...] = (
    ("rain", "rain", 0.0, rain),
    ("wind", "wind", 0.0, wind),
    ("crackle", "vinyl crackle", 0.0, crackle),
    ("cymbal", "crash cymbal", 0.0, cymbal),
    ("sea", "waves on a beach", 0.0, sea),
)
KINDS: tuple[tuple[str, str, float, Make], ...] = (
    ("the starter's pad", "pad", 0.0, kind("pad", 4)),
    ("its strings", "strings", 0.0, kind("string", 4)),
    ("its organ", "organ", 0.0, kind("organ", 3)),
    ("its lead", "lead", 0.0, kind("lead", 4)),
    ("its bell", "bell", 0.0, kind("bell", 4)),
    ("its rain", "rain", 0.0, kind("rain", 4)),
    ("its wind", "wind", 0.0, kind("wind", 4)),
    ("its crash", "crash", 0.0, kind("crash", 4)),
    ("its thunder", "thunder", 0.0, kind("thunder", 4)),
    ("its fire", "fire", 0.0, kind("fire", 4)),
)
