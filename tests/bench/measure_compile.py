"""How a network runs best on a GPU: `python -m tests.bench.measure_compile [--size base|large] [--seconds S …] [--long]`.

Makes clips by the network as it is, by CUDA graphs and by compiled blocks, in turns in one process, with random weights. `--long`
instead makes four takes of 150 s within 16 GB, and prints the most memory held.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from bridge.bench import random_weights
from bridge.bench.timing import in_turns, timed
from bridge.config import EngineConfig
from bridge.domain.clip import Prompt
from bridge.engine.audioldm2.engine import AudioLDM2
from bridge.engine.families import open_engine

WAYS, SECONDS, STEPS = ("off", "graphs", "inductor"), (1.0, 4.0, 10.24), 20
LONG_SECONDS, LONG_TAKES, LONG_GB = 150.0, 4, 16


def opened(model: str, compute: str, folder: Path, way: str, memory_gb: int = 0) -> tuple[AudioLDM2, float]:
    """A warmed engine, and the seconds that loading and warming took."""
    engine = open_engine(EngineConfig(model=model, compute=compute, compile=way, memory_gb=memory_gb), cache=folder)
    assert isinstance(engine, AudioLDM2)

    def ready() -> None:
        engine.load(lambda done, total, what: None)
        engine.warm(lambda done, total, what: None)

    return engine, timed(ready, compute)


def clip(engine: AudioLDM2, text: str, seconds: float, takes: int = 1) -> float:
    """Seconds for a clip."""
    prompt = Prompt(text, text, seconds, seed=0, steps=STEPS, negative="Low quality.", takes=takes)
    return timed(lambda: list(engine.generate(prompt, lambda step, steps: None)), engine.compute)


def new_clip(engine: AudioLDM2, seconds: float, numbers: Iterator[int]) -> Callable[[], float]:
    """Times a clip of a new text at each call."""
    return lambda: clip(engine, f"kick {next(numbers)}", seconds)


def ways(model: str, compute: str, folder: Path, lengths: list[float], rounds: int) -> None:
    """Print the ready times, and each length by each way."""
    engines: dict[str, AudioLDM2] = {}
    for way in WAYS:
        # The first start fills the caches, the second one reads them.
        (_, cold), (engines[way], warm) = opened(model, compute, folder, way), opened(model, compute, folder, way)
        print(f"| {way}: ready, cold / with its caches | {cold:.1f} / {warm:.1f} s | {engines[way].shortcoming} |")
    numbers = itertools.count()
    for seconds in lengths:
        kinds: dict[str, Callable[[], float]] = {way: new_clip(engines[way], seconds, numbers) for way in WAYS}
        for first in kinds.values():
            first()
        figures = in_turns(kinds, rounds)
        for way, took in figures.items():
            print(f"| {seconds:g} s, {way} | {took.median:.3f} s | {took.median / figures['off'].median:.2f} × off |")


def main() -> None:
    """Print rows of a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=("untrained", *random_weights.SIZES), default="base")
    parser.add_argument("--compute", default="cuda")
    parser.add_argument("--seconds", type=float, nargs="+", default=SECONDS)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--long", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder, size = Path(temporary), options.size
        model = size if size == "untrained" else str(random_weights.build(size, folder / size))
        card = torch.cuda.get_device_name() if options.compute == "cuda" else "the processor"
        print(f"| {size}, {card}, torch {torch.__version__} | | |\n|---|---|---|")
        if options.long:
            engine, _ = opened(model, options.compute, folder, "auto", LONG_GB)
            took = clip(engine, "rain", LONG_SECONDS, LONG_TAKES)
            most = engine.highest_bytes() / 1e9
            print(
                f"| {LONG_TAKES} × {LONG_SECONDS:g} s within {LONG_GB} GB | {took:.1f} s | {most:.2f} GB held at most |"
            )
        else:
            ways(model, options.compute, folder, options.seconds, options.rounds)


if __name__ == "__main__":
    main()
