"""How well notes are in tune: `python -m tests.bench.measure_notes [--seeds 3] [--loop] [--seconds 2]` prints a Markdown table.

The starter's tonal sounds at eleven notes from C3 to C6, 20 steps, as finished clips. The pitch is judged by other means than
those that tune it: by autocorrelation, and by the root that bridge/audio/key.py finds (of a pad alone by that, because it may be
a chord; of a bell by its hum, strike and nominal, because it is not periodic). The octave is the one at which the spectrum is
most like that of the synthesised sound. First the judge is judged by synthesised sounds of known pitch.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import soxr

from bridge.audio import key
from bridge.bench.ours import opened
from bridge.domain.clip import OUTPUT_RATE, Piece, Prompt
from bridge.domain.notes import frequency_of, midi_of
from bridge.shaper.make import make
from bridge.starter.catalogue import BY_NAME, LEAD_IN, draw, render
from bridge.starter.sounds.parts import SAMPLE_RATE, hz_of_c

NOUNS = {
    "pluck": "pluck",
    "pad": "pad",
    "lead": "lead",
    "organ": "organ",
    "bell": "bell",
    "mallet": "mallet",
    "strings": "string",
}
NOTES = ["c3", "e3", "g#3", "b3", "d#4", "f#4", "a4", "c#5", "f5", "a#5", "c6"]
OCTAVES_OFF = (-2, -1, 0, 1, 2)
PER_OCTAVE = 24  # places of a spectrum on the scale of pitch
STEADY = (0.03, 1.5)  # seconds after the attack
FFT = 1 << 17


def steady(wave: np.ndarray) -> np.ndarray:
    """The part of a clip in which it has a pitch."""
    level = np.abs(wave)
    start = int(np.argmax(level > 0.1 * level.max()))
    return wave[start + int(STEADY[0] * OUTPUT_RATE) : start + int(STEADY[1] * OUTPUT_RATE)].astype(np.float64)


def by_autocorrelation(wave: np.ndarray, hz: float) -> float:
    """Cents from `hz`, at most half an octave: the energy-weighted median of frames of at least six periods."""
    wave, period = steady(wave), OUTPUT_RATE / hz
    size = int(max(0.06 * OUTPUT_RATE, 6 * period))
    cents, weights = [], []
    for at in range(0, len(wave) - size + 1, size // 2):
        frame = wave[at : at + size]
        power = np.concatenate([[0.0], np.cumsum(frame**2)])
        products = np.fft.irfft(np.abs(np.fft.rfft(frame, 2 * size)) ** 2)[:size]
        lags = np.arange(size)
        alike = 2 * products / (power[size - lags] + power[size] - power[lags] + 1e-12)
        low, high = int(period * 2**-0.5), int(np.ceil(period * 2**0.5))
        best = low + int(alike[low:high].argmax())
        before, here, after = alike[best - 1 : best + 2]
        curve = 2 * here - before - after
        lag = best + (0.5 * (after - before) / curve if curve > 0 else 0.0)
        cents.append(1200 * np.log2(period / lag))
        weights.append(max(here, 0.0) * power[-1])
    order = np.argsort(cents)
    total = np.cumsum(np.array(weights)[order])
    return float(np.array(cents)[order][np.searchsorted(total, total[-1] / 2)])


def by_root(wave: np.ndarray, hz: float) -> float:
    """Cents of the root from `hz`, whatever its octave."""
    away = key.measure(wave[:, None].astype(np.float32)).pitch - (69 + 12 * np.log2(hz / 440))
    return float(100 * ((away + 6) % 12 - 6))


def by_peaks(wave: np.ndarray, hz: float) -> float:
    """Cents of a bell's hum, strike and nominal from `hz`, weighted by their power."""
    power = spectrum(wave)
    cents, weights = [], []
    for multiple in (0.5, 1.0, 2.0):
        low, high = (int(multiple * hz * 2 ** (off / 12) * FFT / OUTPUT_RATE) for off in (-1.2, 1.2))
        top = low + int(power[low:high].argmax())
        before, here, after = np.log(power[top - 1 : top + 2] + 1e-20)
        place = top + 0.5 * (after - before) / (2 * here - before - after)
        cents.append(1200 * np.log2(place * OUTPUT_RATE / FFT / (multiple * hz)))
        weights.append(power[top])
    return float(np.average(cents, weights=weights))


def spectrum(wave: np.ndarray) -> np.ndarray:
    """The power of each bin."""
    part = steady(wave)
    return np.abs(np.fft.rfft(part * np.hanning(len(part)), FFT)) ** 2


def profile(wave: np.ndarray, hz: float) -> np.ndarray:
    """The spectrum from two octaves below `hz` to four above, PER_OCTAVE places each, in decibels above −50."""
    edges = hz * 2 ** (np.arange(-2 * PER_OCTAVE, 4 * PER_OCTAVE + 1) / PER_OCTAVE - 0.5 / PER_OCTAVE)
    total = np.concatenate([[0.0], np.cumsum(spectrum(wave))])
    at = np.interp(edges * FFT / OUTPUT_RATE, np.arange(len(total)), total)
    level = 10 * np.log10(np.diff(at) + 1e-12)
    return np.maximum(level - level.max(), -50) + 50


def synthesised(sound: str, number: int, seed: int) -> Iterator[tuple[np.ndarray, float]]:
    """Synthesised sounds at 48 kHz with their pitch in Hz."""
    rng = np.random.default_rng(seed)
    for _ in range(number):
        attributes = draw(rng, BY_NAME[sound])
        wave = render(rng, BY_NAME[sound], attributes, 2 * SAMPLE_RATE)[LEAD_IN:]
        yield soxr.resample(wave, SAMPLE_RATE, OUTPUT_RATE), hz_of_c(attributes.octave)


@cache
def template(sound: str) -> np.ndarray:
    """The usual profile of a sound."""
    return np.mean([profile(wave, hz) for wave, hz in synthesised(sound, 24, 1)], axis=0)


def octave_off(wave: np.ndarray, sound: str, hz: float) -> int:
    """Octaves from `hz` to the pitch at which the spectrum is most like that of the sound."""

    def likeness(octaves: int) -> float:
        a, b = (p - p.mean() for p in (profile(wave, hz * 2.0**octaves), template(sound)))
        return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))

    return max(OCTAVES_OFF, key=likeness)


def cents_off(wave: np.ndarray, sound: str, hz: float) -> float:
    """The largest deviation that a judge of this sound finds."""
    judges: dict[str, list[Callable[[np.ndarray, float], float]]] = {"bell": [by_peaks], "pad": [by_root]}
    return max((judge(wave, hz) for judge in judges.get(sound, [by_autocorrelation, by_root])), key=abs)


def row(title: str, results: list[tuple[float, int, float, str]]) -> str:
    """A row of the table from (cents, octaves, cents as the reply says, name) of each clip."""
    cents = np.abs([result[0] for result in results])
    octave = np.mean([result[1] == 0 for result in results])
    worst = max(results, key=lambda result: abs(result[0]))
    said = [abs(result[0] - result[2]) for result in results if not np.isnan(result[2])]
    apart = f"{np.percentile(said, 95):.0f} ({len(said)} clips)" if said else "–"
    return (
        f"| {title} | {len(results)} | {np.mean(cents <= 15):.0%} | {np.median(cents):.0f} | {worst[0]:+.0f} ({worst[3]}) | "
        f"{octave:.0%} | {apart} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=101)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--loop", action="store_true")
    options = parser.parse_args()
    print("| sound | clips | within 15 cents | median | worst | octave right | 95 % of `off_cents` within |")
    print("|---|---|---|---|---|---|---|")
    known: list[tuple[float, int, float, str]] = []
    for sound in NOUNS.values():
        for wave, hz in synthesised(sound, 12, 2):
            known.append((cents_off(wave, sound, hz), octave_off(wave, sound, hz), np.nan, sound))
    print(row("synthesised, to judge the judge", known), flush=True)
    engine = opened("starter", "cpu")
    every: list[tuple[float, int, float, str]] = []
    for noun, sound in NOUNS.items():
        results = []
        for note in NOTES:
            for seed in range(options.first_seed, options.first_seed + options.seeds):
                prompt = Prompt(noun, noun, options.seconds, seed, steps=20, note=note, loop=options.loop)
                pieces: list[Piece] = list(engine.generate(prompt, lambda step, steps: None))
                samples = np.concatenate([np.frombuffer(piece.samples, "<f4") for piece in pieces])[:, None]
                clip = make(samples, engine.abilities.sample_rate, prompt)
                wave, hz = clip.samples[:, 0], frequency_of(midi_of(note))
                said = float(clip.measured.get("off_cents", np.nan))
                results.append((cents_off(wave, sound, hz), octave_off(wave, sound, hz), said, f"{note}, seed {seed}"))
        print(row(noun, results), flush=True)
        every += results
    print(row("all", every))


if __name__ == "__main__":
    main()
