"""`python -m tests.bench.measure_source_costs`: what each way of using a source takes, over a clip of that length without one.

Seconds of processor time of the starter on one thread, in one process, in turns; the median of several runs of each.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
import soundfile
import torch

from bridge.config import EngineConfig
from bridge.domain.clip import Prompt
from bridge.domain.source import Source
from bridge.engine.audioldm2.encoding import sound
from bridge.engine.audioldm2.engine import AudioLDM2
from bridge.engine.families import open_engine
from bridge.files.same_file import hash_of
from tests.rhythms import rhythm

RATE, SECONDS = 48_000, 2.0


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        engine = open_engine(EngineConfig(model="starter", compute="cpu", compile="off"), folder)
        assert isinstance(engine, AudioLDM2)
        engine.load(lambda done, total, what: None)
        rows = _rows(_sources(folder))
        seconds: dict[str, list[float]] = {name: [] for name, _ in rows}
        encoding: list[float] = []
        wave = sound(soundfile.read(folder / "strings.wav", always_2d=True, dtype="float32")[0], RATE, 44_100)
        for _ in range(chosen.runs + 1):
            for name, prompt in rows:
                began = time.process_time()
                for _piece in engine.generate(engine.abilities.settled(prompt), lambda done, units: None):
                    pass
                seconds[name].append(time.process_time() - began)
            began = time.process_time()
            engine.encoder.latents(wave, engine.geometry.rows_for(SECONDS))
            encoding.append(time.process_time() - began)
    medians = {name: median(runs[1:]) for name, runs in seconds.items()}  # the first run of each encodes its words
    for name, prompt in rows:
        plain = medians["plain, 4 s" if prompt.seconds > SECONDS else "plain, 2 s"]
        print(f"| {name} | {medians[name]:.2f} | {medians[name] / plain:.2f} |")
    print(f"| encoding 2 s alone | {median(encoding[1:]):.2f} | {median(encoding[1:]) / medians['plain, 2 s']:.2f} |")


def _sources(folder: Path) -> dict[str, Source]:
    at = np.arange(round(SECONDS * RATE)) / RATE
    strings = 0.1 * sum(np.sin(2 * np.pi * 220 * n * at) / n for n in range(1, 30))
    waves = {"strings": strings, "drum loop": rhythm("rock", 120.0, 1)[:, 0]}
    sources = {}
    for words, wave in waves.items():
        file = folder / f"{words}.wav"
        soundfile.write(file, wave, RATE, subtype="FLOAT")
        bpm = 120.0 if words == "drum loop" else 0.0
        sources[words] = Source(file.as_posix(), hash_of(file), "vary", SECONDS, 0.0, SECONDS, words=words, bpm=bpm)
    return sources


def _rows(sources: dict[str, Source]) -> list[tuple[str, Prompt]]:
    strings, loop = sources["strings"], sources["drum loop"]

    def prompt(text: str, seconds: float = SECONDS, source: Source | None = None) -> Prompt:
        return Prompt(text, text, seconds, 3, source=source)

    rows = [("plain, 2 s", prompt("strings")), ("plain, 4 s", prompt("strings", 4.0))]
    rows += [
        (f"vary, strength {strength:g}", prompt("strings", source=replace(strings, strength=strength)))
        for strength in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    rows += [
        ("vary, hits (12 of them), strength 0.5", prompt("drum loop", source=replace(loop, parts="hits"))),
        ("continue a tone from 2 s to 4 s", prompt("strings", 4.0, replace(strings, how="continue"))),
        ("continue a rhythm from 2 s to 4 s", prompt("drum loop", 4.0, replace(loop, how="continue"))),
        ("fill 0.6 s of 2 s", prompt("strings", source=replace(strings, how="fill", from_s=0.7, to_s=1.3))),
    ]
    return rows


if __name__ == "__main__":
    main()
