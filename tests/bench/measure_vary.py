"""How far variations are from their source: `python -m tests.bench.measure_vary [--shares | --loops | --tones]` prints Markdown tables.

Sources of a second: clips of the starter, and synthesised sounds that no network made. Each is varied with its own words and with others,
two seeds each, at the strengths 0 to 1, with 20 steps and with 5. The distance is the mean difference of the starter's spectrograms in
decibels. `--shares`: by the share of the noise schedule that is run instead of by strength, from which NOISE (bridge/domain/source.py)
was chosen. `--loops`: how well varied loops close. `--tones`: how far varied tones are off the pitch of their source.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
import torch.nn.functional as F

from bridge.audio import key
from bridge.audio.seam import seam_score
from bridge.audio.shape import resample_loop
from bridge.bench.ours import opened
from bridge.domain import source as sources
from bridge.domain.clip import OUTPUT_RATE, Prompt
from bridge.domain.notes import frequency_of, midi_of
from bridge.domain.source import Source
from bridge.engine.audioldm2.engine import AudioLDM2
from bridge.files.same_file import hash_of

RATE, SECONDS, TAKES = 44_100, 1.0, 2
STRENGTHS = tuple(n / 10 for n in range(11))
STEPS = (20, 5)
OWN = {  # a sound of the starter → other words
    "kick": "distorted kick", "snare": "clap", "closed hi-hat": "shaker", "bell": "pluck", "pad": "strings", "pluck": "mallet",
    "rain": "wind", "riser": "siren", "tom": "conga", "bass": "lead", "crash": "open hi-hat",
}  # fmt: skip
LOOPS = ("rain", "pad", "strings", "wind", "fire crackle", "lead", "organ", "kick", "shaker", "bell")
TONES = {"pad": "f#4", "strings": "a3", "lead": "d#5", "organ": "f3", "pluck": "g#4", "bell": "e5", "mallet": "b4"}
VARIED, CLOSES = (0.3, 0.5, 0.7, 0.9), 0.95
JUST_HEARD_DB = 0.3  # the difference of two variations that is below hearing


def foreign() -> Iterator[tuple[str, str, str, np.ndarray]]:
    """Sounds that no network made: their name, their own words, other words, and samples."""
    t = np.arange(round(SECONDS * RATE)) / RATE
    rng = np.random.default_rng(7)
    noise = rng.standard_normal(len(t))
    yield "808 kick", "kick", "snare", np.sin(2 * np.pi * (50 * t + 10.3 * (1 - np.exp(-14 * t)))) * np.exp(-t / 0.22)
    yield (
        "clap of noise",
        "clap",
        "snare",
        np.diff(noise, prepend=0) * np.exp(-((t % 0.012) / 0.008) * (t < 0.036)) * np.exp(-t / 0.07),
    )
    bell = sum(
        np.sin(2 * np.pi * 311 * m * t) * np.exp(-t * d) / m for m, d in ((1, 3), (2.76, 5), (5.4, 9), (8.9, 14))
    )
    yield "bell of four partials", "bell", "mallet", np.asarray(bell)
    saw = sum(np.sin(2 * np.pi * 92.5 * n * t) / n for n in range(1, 30))
    yield "saw bass", "bass", "distorted bass", np.asarray(saw) * np.exp(-t / 0.5)
    yield "hat of noise", "closed hi-hat", "ride", np.diff(np.diff(noise, prepend=0), prepend=0) * np.exp(-t / 0.03)
    chord = sum(np.sin(2 * np.pi * hz * n * t) / n**2 for hz in (233.1, 293.7, 349.2) for n in range(1, 8))
    yield "chord", "pad", "organ", np.asarray(chord) * np.minimum(1, t / 0.1)


def made(engine: AudioLDM2, prompt: Prompt) -> list[np.ndarray]:
    pieces = list(engine.generate(prompt, lambda step, steps: None))
    own = [
        [np.frombuffer(piece.samples, "<f4") for piece in pieces if piece.take == n + 1] for n in range(prompt.takes)
    ]
    return [np.concatenate(parts) for parts in own]


def distance_db(engine: AudioLDM2, one: np.ndarray, other: np.ndarray) -> float:
    size = min(len(one), len(other))
    waves = np.stack([wave[:size] / max(1e-6, float(np.abs(wave).max())) * 0.89 for wave in (one, other)]).astype(
        np.float32
    )
    mel = engine.pipe.vocoder.mel(F.pad(torch.from_numpy(waves), (engine.geometry.lead_in, 0)))
    return float((mel[0] - mel[1]).abs().mean() * 4 * 20 / np.log(10))


def series(engine: AudioLDM2, folder: Path) -> Iterator[tuple[str, Source, np.ndarray, str]]:
    """The name, source, samples and words of each series."""
    all_sources = [
        (f"{own} of the starter", own, other, made(engine, Prompt(own, own, SECONDS, 7))[0])
        for own, other in OWN.items()
    ]
    for name, own, other, wave in [*all_sources, *foreign()]:
        wave = (0.8 * wave / np.abs(wave).max()).astype(np.float32)
        source = stored(folder, name, wave, RATE)
        yield f"{name} → {own}", source, wave, own
        yield f"{name} → {other}", source, wave, other


def curve(engine: AudioLDM2, source: Source, wave: np.ndarray, words: str, steps: int) -> list[float]:
    """The distance at each of STRENGTHS."""
    away = []
    for strength in STRENGTHS:
        prompt = Prompt(words, words, SECONDS, 11, steps=steps, takes=TAKES, source=replace(source, strength=strength))
        away.append(float(np.mean([distance_db(engine, wave, take) for take in made(engine, prompt)])))
    return away


def print_loops(engine: AudioLDM2, folder: Path) -> None:
    """How well loops of two seconds close before and after they are varied, as clips at 48 kHz."""
    rng = np.random.default_rng(5)
    t = np.arange(2 * RATE) / RATE
    swell = rng.standard_normal(len(t)) * (0.6 + 0.4 * np.sin(2 * np.pi * t / 2))
    hum = sum(np.sin(2 * np.pi * 110.5 * n * t + n) / n for n in range(1, 12))
    loops = [(f"{word} of the starter", word, made(engine, Prompt(word, word, 2.0, 3, loop=True))[0]) for word in LOOPS]
    loops += [("swelling noise", "wind", swell), ("hum", "drone", np.asarray(hum))]
    closed, least = dict.fromkeys(VARIED, 0), np.inf
    print("| loop | its seam | " + " | ".join(f"at {s:g}" for s in VARIED) + " |\n|---|---|" + "---|" * len(VARIED))
    for name, words, period in loops:
        loop = resample_loop(np.asarray(period, np.float32)[:, None], 2 * OUTPUT_RATE)
        loop *= 0.8 / np.abs(loop).max()
        source = stored(folder, name, loop[:, 0], OUTPUT_RATE)
        before, scores = seam_score(loop), []
        for strength in VARIED:
            prompt = Prompt(words, words, 2.0, 11, loop=True, source=replace(source, strength=strength))
            varied = resample_loop(made(engine, prompt)[0][:, None], 2 * OUTPUT_RATE)
            scores.append(seam_score(varied))
            least = min(least, float(np.abs(varied).max() / np.abs(loop).max()))
            closed[strength] += scores[-1] <= max(before, CLOSES)
        print(f"| {name} | {before:.2f} | " + " | ".join(f"{score:.2f}" for score in scores) + " |", flush=True)
    print(f"\nThe quietest has {20 * np.log10(least):.0f} dB of the peak of its source.")
    print(
        f"As good as the source's, or at most {CLOSES:g}:",
        ", ".join(f"{n} of {len(loops)} at {s:g}" for s, n in closed.items()),
    )


def print_tones(engine: AudioLDM2, folder: Path) -> None:
    """Cents by which the root of varied tones is off that of their source."""
    t = np.arange(2 * RATE) / RATE
    tones: list[tuple[str, str, float, np.ndarray]] = []
    for noun, note in TONES.items():
        tones.append(
            (
                f"{noun} {note} of the starter",
                noun,
                frequency_of(midi_of(note)),
                made(engine, Prompt(noun, noun, 2.0, 21, note=note))[0],
            )
        )
    for name, noun, hz, fall, decay in (
        ("saw", "lead", 237.2, 1, 0.0),
        ("plucked string", "pluck", 185.0, 1, 1.2),
        ("soft chord", "pad", 233.1, 2, 0.0),
    ):
        chord = (1.0, 1.26, 1.498) if name == "soft chord" else (1.0,)
        wave = sum(
            np.sin(2 * np.pi * hz * of * n * t) / n**fall * np.exp(-decay * n * t) for of in chord for n in range(1, 25)
        )
        tones.append((name, noun, hz, np.asarray(wave)))
    print("| tone | " + " | ".join(f"at {s:g}" for s in VARIED) + " |\n|---|" + "---|" * len(VARIED))
    every = []
    for name, noun, hz, wave in tones:
        source = stored(folder, name, (0.5 * wave / np.abs(wave).max()).astype(np.float32), RATE)
        cents = []
        for strength in VARIED:
            one = made(engine, Prompt(noun, noun, 2.0, 11, source=replace(source, strength=strength)))[0]
            pitch = key.measure(soxr.resample(one, RATE, OUTPUT_RATE)[:, None]).pitch - 69 - 12 * np.log2(hz / 440)
            cents.append(100 * ((pitch + 6) % 12 - 6))
        every += cents
        print(f"| {name} | " + " | ".join(f"{c:+.0f}" for c in cents) + " |", flush=True)
    print(f"\nWithin 10 cents: {np.mean(np.abs(every) <= 10):.0%}, worst {max(every, key=abs):+.0f}.")


def stored(folder: Path, name: str, wave: np.ndarray, rate: int) -> Source:
    """A source with these samples (frames,)."""
    path = folder / f"{name}.wav"
    soundfile.write(path, wave, rate, subtype="FLOAT")
    return Source(str(path), hash_of(path), "vary", len(wave) / rate, 0.0, len(wave) / rate, parts="whole")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--shares", action="store_true")
    parser.add_argument("--loops", action="store_true")
    parser.add_argument("--tones", action="store_true")
    parser.add_argument("--every", type=int, default=1, help="only every Nth series")
    options = parser.parse_args()
    if options.shares:
        sources.NOISE = ((0.0, 0.0), (1.0, 1.0))  # type: ignore[assignment]
    engine = opened("starter", "cpu")
    if options.loops or options.tones:
        with tempfile.TemporaryDirectory() as folder:
            (print_loops if options.loops else print_tones)(engine, Path(folder))
        return
    relative: dict[int, list[np.ndarray]] = {steps: [] for steps in STEPS}
    grows = {steps: [0, 0, 0] for steps in STEPS}
    steps_apart = []
    with tempfile.TemporaryDirectory() as folder:
        print(
            "| source → words | steps | "
            + " | ".join(f"{s:g}" for s in STRENGTHS)
            + " |\n|---|---|"
            + "---|" * len(STRENGTHS)
        )
        for name, source, wave, words in list(series(engine, Path(folder)))[:: options.every]:
            curves = {steps: np.array(curve(engine, source, wave, words, steps)) for steps in STEPS}
            for steps, away in curves.items():
                rises = np.diff(away)
                grows[steps][0] += 1
                grows[steps][1] += bool((rises > 0).all())
                grows[steps][2] += bool((rises > -JUST_HEARD_DB).all())
                relative[steps].append(away / away[-1])
                print(f"| {name} | {steps} | " + " | ".join(f"{db:.2f}" for db in away) + " |", flush=True)
            steps_apart.append(curves[STEPS[1]][1:] / curves[STEPS[0]][1:] - 1)
    for steps, curves_of in relative.items():
        print(
            f"| **mean, of the distance at 1** | {steps} | "
            + " | ".join(f"{x:.2f}" for x in np.mean(curves_of, axis=0))
            + " |"
        )
    for steps, (total, strictly, hearably) in grows.items():
        print(f"\nWith {steps} steps the distance grows from each strength to the next in {strictly} of {total} series; it never falls by "
              f"{JUST_HEARD_DB:g} dB or more in {hearably}.")  # fmt: skip
    apart = np.abs(steps_apart)
    print(
        f"\n5 steps against 20: {np.mean(apart <= 0.2):.0%} of the distances are within 20 %, median {np.median(apart):.0%}."
    )
    print(
        "By strength:",
        ", ".join(f"{s:g}: {x:+.0%}" for s, x in zip(STRENGTHS[1:], np.median(steps_apart, axis=0), strict=True)),
    )


if __name__ == "__main__":
    main()
