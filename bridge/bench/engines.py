"""`clipbridge bench`: compare the engine with the plain pipeline and the public recipe on the same weights, in turns.

The plain pipeline is AudioLDM2Pipeline as in its documentation: the checkpoint's own DDIM scheduler with 200 steps (it
runs 20 and extrapolates the rest). The recipe is the one that diffusers publishes for speed: 20 steps of DPM-Solver++, with
torch.compile on request.
"""

from __future__ import annotations

import itertools
import platform
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from diffusers import AudioLDM2Pipeline, DDIMScheduler

from bridge.bench import floor, random_weights
from bridge.bench.timing import in_turns, timed
from bridge.config import EngineConfig
from bridge.domain.clip import Prompt
from bridge.engine.audioldm2.engine import AudioLDM2
from bridge.engine.audioldm2.pipeline import Pipeline
from bridge.engine.families import open_engine
from bridge.engine.process import PAUSE_S
from bridge.engine.runtime.graphs import Captured

WORDS = (
    "rain",
    "kick",
    "deep warm kick",
    "bright closed hi-hat, tight and dry",
    "glassy bell with a long tail in a hall",
)
PLAIN_STEPS, RUN_STEPS = 200, 20
Figures = dict[str, str]


def measure(
    model: str, compute: str, size: str, lengths: list[float], rounds: int, requests: int, compiled: bool, folder: Path
) -> Figures:
    """All figures by name. `lengths`: seconds of clips; `size`: of random weights, "" for the checkpoint `model`; `compiled`:
    compile the recipe's UNet, which takes minutes per shape; `folder`: for caches and random weights."""
    if size:
        model = str(random_weights.build(size, folder / size))
    cold = opened(model, compute, folder)[0]
    warm, engine = opened(model, compute, folder)
    peak = engine.highest_bytes()
    ready = getattr(engine.denoiser.network, "captures", 0)
    figures = {
        "machine": f"{platform.system()} {platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}",
        "checkpoint": f"{size} with random weights" if size else engine.checkpoint.name,
        "compute": f"{engine.compute}, network: {engine.compiled}",
        "load and warm, cold / with its caches": f"{cold:.2f} s / {warm:.2f} s",
    }
    recipe, per_second = Recipe(engine, compiled), floor.rate(engine)
    for seconds in lengths:
        figures |= _beside(engine, recipe, seconds, rounds, per_second)
    figures |= _random_requests(engine, requests, max(lengths))
    if isinstance(network := engine.denoiser.network, Captured):
        figures["CUDA graphs captured while warming / after ready"] = f"{ready} / {network.captures - ready}"
    figures["peak memory, loaded and warmed"] = f"{peak / 1e9:.2f} GB"
    return figures


def stock(pipe: Pipeline) -> AudioLDM2Pipeline:
    """The stock pipeline of the same parts."""
    own = (
        "vae", "text_encoder", "text_encoder_2", "projection_model", "language_model", "tokenizer", "tokenizer_2",
        "feature_extractor", "unet", "scheduler", "vocoder",
    )  # fmt: skip
    whole = AudioLDM2Pipeline(**{part: getattr(pipe, part) for part in own})
    whole.set_progress_bar_config(disable=True)
    return whole


class Recipe:
    """The stock pipeline on the engine's weights."""

    def __init__(self, engine: AudioLDM2, compiled: bool) -> None:
        self.engine, self.pipe = engine, stock(engine.pipe)
        self.what = "recipe, compiled" if compiled else "recipe, not compiled"
        self._unet: Any = engine.pipe.unet
        if compiled:
            self._unet = torch.compile(engine.pipe.unet, mode="reduce-overhead", fullgraph=True)
        self._ddim = DDIMScheduler.from_config(self.pipe.scheduler.config, timestep_spacing="leading", steps_offset=1)

    def clip(self, text: str, seconds: float, steps: int = RUN_STEPS, plain: bool = False) -> float:
        """Seconds for one clip; `plain`: with the DDIM scheduler."""
        engine, pipe = self.engine, self.pipe
        original = pipe.scheduler, pipe.unet
        pipe.scheduler, pipe.unet = (self._ddim, pipe.unet) if plain else (pipe.scheduler, self._unet)
        rows = engine.geometry.rows_for(seconds)
        generators = [torch.Generator("cpu").manual_seed(0)]
        try:
            return timed(
                lambda: pipe(
                    text,
                    num_inference_steps=steps,
                    negative_prompt="Low quality.",
                    latents=engine.noise(generators, rows),
                    audio_length_in_s=(rows + 0.5) * engine.geometry.row_seconds,
                ),
                engine.compute,
            )
        finally:
            pipe.scheduler, pipe.unet = original


def opened(model: str, compute: str, folder: Path | None = None) -> tuple[float, AudioLDM2]:
    """The seconds for loading and warming, and the engine. `folder`: its cache, by default the user's."""
    engine = open_engine(EngineConfig(model=model, compute=compute), cache=folder)
    assert isinstance(engine, AudioLDM2)

    def prepare() -> None:
        engine.load(lambda done, total, what: None)
        engine.warm(lambda done, total, what: None)
        for _ in engine.improve(lambda done, total, what: None, lambda: False):
            time.sleep(PAUSE_S)

    return timed(prepare, engine.compute), engine


def _ours(engine: AudioLDM2, text: str, seconds: float, steps: int = RUN_STEPS, **keys: Any) -> float:
    prompt = _prompt(text, seconds, steps, **keys)
    return timed(lambda: list(engine.generate(prompt, lambda step, of: None)), engine.compute)


def _prompt(text: str, seconds: float, steps: int, **keys: Any) -> Prompt:
    return Prompt(text, text, seconds, seed=0, steps=steps, negative="Low quality.", **keys)


def _beside(engine: AudioLDM2, recipe: Recipe, seconds: float, rounds: int, per_second: float) -> Figures:
    fresh = (f"kick number {n}" for n in itertools.count())
    kinds: dict[str, Callable[[], float]] = {
        "plain 20": lambda: recipe.clip("kick", seconds, RUN_STEPS, plain=True),
        "plain 2": lambda: recipe.clip("kick", seconds, 2, plain=True),
        "recipe": lambda: recipe.clip("kick", seconds),
        "new": lambda: _ours(engine, next(fresh), seconds),
        "cached": lambda: _ours(engine, "kick", seconds),
    }
    firsts = {name: run() for name, run in kinds.items()}
    middle = dict(zip(kinds, in_turns(kinds, rounds), strict=True))
    step = max(0.0, (middle["plain 20"] - middle["plain 2"]) / (RUN_STEPS - 2))
    plain = middle["plain 20"] + (PLAIN_STEPS - RUN_STEPS) * step
    operations = floor.operations(engine, _prompt("kick", seconds, RUN_STEPS))
    least = operations / per_second

    def row(value: float) -> str:
        return f"{value:.3f} s ({value / middle['recipe']:.2f} ×)"

    return {
        f"{seconds:g} s: plain pipeline, {PLAIN_STEPS} steps (extrapolated from {RUN_STEPS})": row(plain),
        f"{seconds:g} s: {recipe.what}, first of this length": row(firsts["recipe"]),
        f"{seconds:g} s: {recipe.what} (baseline)": row(middle["recipe"]),
        f"{seconds:g} s: ours, first of this length": row(firsts["new"]),
        f"{seconds:g} s: ours, new prompt": row(middle["new"]),
        f"{seconds:g} s: ours, prompt known": row(middle["cached"]),
        f"{seconds:g} s: floor, {operations / 1e12:.3g} T operations at {per_second / 1e12:.3g} T/s": (
            f"{least:.3g} s (ours reaches {least / middle['cached']:.0%} of it)"
        ),
    }


def _random_requests(engine: AudioLDM2, requests: int, longest: float) -> Figures:
    """Look for requests that take far longer than others of the same kind."""
    drawn = random.Random(0)
    asks = []
    for _ in range(requests):
        seconds = drawn.choice((0.25, 0.5, 1.0, 2.0))
        asks.append(
            (drawn.choice(WORDS), min(seconds, longest), drawn.choice((1, 1, 1, 2, 4)), drawn.choice((1.0, 3.5)))
        )
    took: dict[tuple[object, ...], list[float]] = defaultdict(list)
    for text, seconds, takes, guidance in asks:
        spent = _ours(engine, text, seconds, 5, takes=takes, guidance=guidance)
        took[(engine.geometry.rows_for(seconds), takes, guidance)].append(spent)
    worst, late, counted = 0.0, 0, 0
    for times in took.values():
        middle = statistics.median(times)
        worst = max(worst, max(times) / middle)
        late += sum(spent > 2 * middle for spent in times)
        counted += len(times)
    return {
        f"{counted} random requests of {len(took)} kinds, 5 steps: over twice their kind's median": f"{late}",
        "the worst of them, over its kind's median": f"{worst:.2f} ×",
    }
