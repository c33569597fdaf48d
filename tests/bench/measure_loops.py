"""How well loops close: `python -m tests.bench.measure_loops [--every N]` prints a Markdown table.

100 prompts of the starter, one seed each: 50 sustained sounds of 4 s, 50 others of 2 s. Each is made as a loop, and plainly
and cut at its length. A seam closes if its score (bridge/audio/seam.py) is at most 0.95, and has a hole if it is more than
6 dB quieter than the quiet moments of the loop.
"""

from __future__ import annotations

import argparse
import itertools
import time

import numpy as np

from bridge.audio.seam import hole_db, seam_score
from bridge.audio.shape import Samples, shape
from bridge.bench.ours import opened
from bridge.domain.ask import Shape
from bridge.domain.clip import Piece, Prompt
from bridge.engine.runner import Runner

SUSTAINED = ("pad", "synth pad", "drone", "strings", "violin", "cello", "wind", "breeze", "lead", "synth lead")
WORDS = ("", "dark", "bright", "warm", "soft")
OTHERS = (
    "rain", "fire crackle", "vinyl crackle", "water drop", "siren", "organ", "bass", "sub", "shaker", "tambourine", "ride", "thunder",
    "riser", "glitch", "closed hi-hat", "kick", "snare", "bell", "mallet", "crash", "downlifter", "pluck", "808", "tom", "short organ",
)  # fmt: skip
BARE = Shape(0, 0)


def made(engine: Runner, prompt: Prompt) -> Samples:
    pieces: list[Piece] = list(engine.generate(prompt, lambda step, steps: None))
    samples = np.concatenate([np.frombuffer(piece.samples, "<f4") for piece in pieces])[:, None]
    return shape(samples, engine.abilities.sample_rate, prompt.seconds, BARE, prompt.loop)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=int, default=1, help="only every Nth prompt")
    every = parser.parse_args().every
    engine = opened("starter", "cpu")
    groups = {
        "sustained, 4 s": (4.0, itertools.product(WORDS, SUSTAINED)),
        "others, 2 s": (2.0, itertools.product(("", "dark"), OTHERS)),
    }
    took, worst = {True: 0.0, False: 0.0}, []
    print("| prompts | way | holes of at most 6 dB | scores at or below 0.95 | median score |\n|---|---|---|---|---|")
    for name, (seconds, words) in groups.items():
        rows: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
        for seed, (word, sound) in itertools.islice(enumerate(words), 0, None, every):
            text = f"{word} {sound}".strip()
            for loop in (True, False):
                started = time.perf_counter()
                clip = made(engine, Prompt(text, text, seconds, seed, loop=loop))
                took[loop] += time.perf_counter() - started
                rows[loop].append((hole_db(clip[:, 0], 48_000), seam_score(clip)))
            worst.append((*rows[True][-1], text))
        for loop, figures in rows.items():
            holes, scores = zip(*figures, strict=True)
            closed = sum(score <= 0.95 for score in scores)
            way = "loop" if loop else "cut at its length"
            shallow = sum(hole <= 6 for hole in holes)
            print(f"| {name} | {way} | {shallow} of {len(holes)} | {closed} | {np.median(scores):.2f} |", flush=True)
    print(f"\nA loop takes {took[True] / took[False]:.2f} times as long as a plain clip of its length.")
    print("Holes:", ", ".join(f"{text} {hole:.0f} dB" for hole, _, text in worst if hole > 6) or "none")
    print("Scores above 0.95:", ", ".join(f"{text} {score:.2f}" for _, score, text in worst if score > 0.95) or "none")


if __name__ == "__main__":
    main()
