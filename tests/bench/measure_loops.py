"""How well loops close: `python -m tests.bench.measure_loops [--prompts 100]` prints a Markdown table.

Each prompt of the starter in three ways, with one seed: as a loop (circular denoising), cut at its length, and with its tail
cross-faded into its head over 100 ms at equal power. Clips of 2 s. Scores are those of bridge/audio/seam.py: up to 0.95,
the seam is like any other moment of the sound.
"""

from __future__ import annotations

import argparse
import itertools
import time

import numpy as np

from bridge.audio.seam import seam_score
from bridge.audio.shape import shape
from bridge.config import EngineConfig
from bridge.domain.ask import Shape
from bridge.domain.clip import Piece, Prompt
from bridge.engine.families import open_engine
from bridge.engine.runner import Runner
from bridge.errors import BadAudio

SECONDS, OVERLAP_S = 2.0, 0.1
SOUNDS = (
    "rain", "wind", "fire crackle", "vinyl crackle", "water drop", "siren", "pad", "strings", "organ", "drone pad", "bass", "sub",
    "lead", "shaker", "tambourine", "ride", "thunder", "riser", "glitch", "closed hi-hat", "kick", "snare", "bell", "mallet", "crash",
)  # fmt: skip
WORDS = ("", "dark", "bright", "soft")


def samples(engine: object, prompt: Prompt) -> np.ndarray:
    pieces: list[Piece] = list(engine.generate(prompt, lambda step, steps: None))  # type: ignore[attr-defined]
    return np.concatenate([np.frombuffer(piece.samples, "<f4") for piece in pieces])[:, None]


def cross_faded(clip: np.ndarray, frames: int) -> np.ndarray:
    overlap = len(clip) - frames
    angle = np.linspace(0, np.pi / 2, overlap)[:, None]
    loop = clip[:frames].copy()
    loop[:overlap] = clip[:overlap] * np.sin(angle) + clip[frames:] * np.cos(angle)
    return loop


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--prompts", type=int, default=100)
    count = parser.parse_args().prompts
    engine = open_engine(EngineConfig(model="starter", compute="cpu"))
    assert isinstance(engine, Runner)
    engine.load(lambda done, total, what: None)
    engine.warm(lambda done, total, what: None)
    rate, bare = engine.abilities.sample_rate, Shape(0, 0)
    scores: dict[str, list[float]] = {"circular denoising": [], "cut": [], "cross-fade of 100 ms": []}
    took = {"loop": 0.0, "plain": 0.0}
    texts = [f"{word} {sound}".strip() for word, sound in itertools.product(WORDS, SOUNDS)][:count]
    for seed, text in enumerate(texts):
        started = time.perf_counter()
        loop = samples(engine, Prompt(text, text, SECONDS, seed, loop=True))
        took["loop"] += time.perf_counter() - started
        try:
            scores["circular denoising"].append(seam_score(shape(loop, rate, SECONDS, bare, True)))
        except BadAudio as error:
            print(f"{text}, seed {seed}: {error}", flush=True)
            scores["circular denoising"].append(1.0)
        started = time.perf_counter()
        plain = samples(engine, Prompt(text, text, SECONDS, seed))
        took["plain"] += time.perf_counter() - started
        scores["cut"].append(seam_score(shape(plain, rate, SECONDS, bare)))
        longer = samples(engine, Prompt(text, text, SECONDS + OVERLAP_S, seed))
        frames = round(SECONDS * 48_000)
        scores["cross-fade of 100 ms"].append(
            seam_score(cross_faded(shape(longer, rate, SECONDS + OVERLAP_S, bare), frames))
        )
    print(f"| {count} prompts, {SECONDS:g} s | seams at or below 0.95 | median score |\n|---|---|---|")
    for way, values in scores.items():
        print(f"| {way} | {sum(score <= 0.95 for score in values)} | {np.median(values):.2f} |")
    print(f"\nA loop takes {took['loop'] / took['plain']:.2f} times as long as a plain clip of its length.")
    worst = sorted(zip(scores["circular denoising"], texts, strict=True), reverse=True)[:12]
    print("Highest:", ", ".join(f"{text} {score:.2f}" for score, text in worst))


if __name__ == "__main__":
    main()
