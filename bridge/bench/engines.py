"""`clipbridge bench`: compare the engine with the plain pipeline and the public recipe on the same weights, in turns.

Each is in a process of its own: what runs by torch has torch's threads as they are, and the engine has its process as in the daemon.
"""

from __future__ import annotations

import itertools
import os
import platform
from collections.abc import Callable
from pathlib import Path

from bridge.bench import requests, steadiness
from bridge.bench.apart import Apart
from bridge.bench.timing import Took, in_turns

PLAIN_STEPS, RUN_STEPS = 200, 20
Figures = dict[str, str]


def measure(
    model: str, compute: str, size: str, lengths: list[float], rounds: int, asks: int, compiled: bool, folder: Path
) -> Figures:
    """All figures by name. `lengths`: seconds of clips; `size`: of random weights, "" for the checkpoint `model`; `asks`: the number
    of random ones; `compiled`: compile the recipe's UNet, which takes minutes per shape; `folder`: for caches and random weights.
    Raises NoModel."""
    if size:
        from bridge.bench import random_weights  # imports torch

        model = str(random_weights.build(size, folder / size))
    arguments = model, compute, folder
    with Apart("bridge.bench.ours:Ours", True, *arguments) as first:
        starts, sample = [first.ask("start")], steadiness.alone(first, min(lengths))
    with (
        Apart("bridge.bench.ours:Ours", True, *arguments) as ours,
        Apart("bridge.bench.recipe:Recipe", False, *arguments, compiled) as recipe,
    ):
        starts.append(ours.ask("start"))
        resident, captured = ours.resident_bytes(), ours.ask("captures")
        facts, theirs = ours.ask("facts"), recipe.ask("facts")
        figures = {
            "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, torch {theirs['torch']}",
            "checkpoint": f"{size} with random weights" if size else facts["checkpoint"],
            "compute": f"{facts['compute']}, network: {facts['network']}",
            "threads: recipe / ours": f"{theirs['threads']} / {facts['threads']}",
        }
        if facts["shortcoming"]:
            figures["shortcoming"] = facts["shortcoming"]
        figures |= _starts(starts, folder, facts["compute"], facts["threads"], facts["network"] == "openvino")
        recipe.ask("rate")
        what = "recipe, compiled" if compiled else "recipe, not compiled"
        for seconds in lengths:
            figures |= _clips(ours, recipe, what, seconds, rounds)
        figures |= steadiness.figures(ours, min(lengths), rounds, sample)
        figures |= requests.figures(ours, asks, max(lengths))
        if captured is not None:
            after = ours.ask("captures") - captured
            figures["CUDA graphs captured while warming / after ready"] = f"{captured} / {after}"
    figures["resident memory of the engine, warmed"] = f"{resident / 2**20:.0f} MiB"
    figures["peak memory, loaded and warmed"] = f"{facts['peak'] / 1e9:.2f} GB"
    return figures


def _starts(starts: list[tuple[float, float]], folder: Path, compute: str, threads: int, converted: bool) -> Figures:
    (cold, improved), (warm, _) = starts
    figures = {"load and warm, first start / later (without imports)": f"{cold:.2f} s / {warm:.2f} s"}
    if converted:
        figures["first start: networks converted and in use after another"] = f"{improved:.2f} s"
        with Apart("bridge.bench.ours:Opening", True) as opening:
            opened = opening.ask("seconds", folder, compute, threads)
        figures["later: of that, opening the converted networks (without the engine)"] = f"{opened:.2f} s"
    return figures


def _clips(ours: Apart, recipe: Apart, what: str, seconds: float, rounds: int) -> Figures:
    fresh = (f"kick number {n}" for n in itertools.count())
    kinds: dict[str, Callable[[], float]] = {
        "plain 20": lambda: recipe.ask("clip", "kick", seconds, RUN_STEPS, plain=True),
        "plain 2": lambda: recipe.ask("clip", "kick", seconds, 2, plain=True),
        "recipe": lambda: recipe.ask("clip", "kick", seconds, RUN_STEPS),
        "new": lambda: ours.ask("clip", next(fresh), seconds, RUN_STEPS),
        "cached": lambda: ours.ask("clip", "kick", seconds, RUN_STEPS),
    }
    firsts = {name: run() for name, run in kinds.items()}
    took = in_turns(kinds, rounds)

    def whole(twenty: float, two: float) -> float:
        return twenty + (PLAIN_STEPS - RUN_STEPS) * max(0.0, (twenty - two) / (RUN_STEPS - 2))

    plain = Took(*map(whole, took["plain 20"], took["plain 2"]))
    operations, per_second = recipe.ask("operations", seconds), recipe.ask("rate")
    least = operations / per_second

    def row(value: Took) -> str:
        base = took["recipe"]
        times = value.median / base.median, value.least / base.least
        return f"{value.median:.3f} s ({times[0]:.2f} ×), least {value.least:.3f} s ({times[1]:.2f} ×)"

    return {
        f"{seconds:g} s: plain pipeline, {PLAIN_STEPS} steps (extrapolated from {RUN_STEPS})": row(plain),
        f"{seconds:g} s: {what}, first of this length": f"{firsts['recipe']:.3f} s",
        f"{seconds:g} s: {what} (baseline)": row(took["recipe"]),
        f"{seconds:g} s: ours, first of this length": f"{firsts['new']:.3f} s",
        f"{seconds:g} s: ours, new prompt": row(took["new"]),
        f"{seconds:g} s: ours, prompt known": row(took["cached"]),
        f"{seconds:g} s: floor, {operations / 1e12:.3g} T operations at {per_second / 1e12:.3g} T/s": (
            f"{least:.3g} s (ours reaches {least / took['cached'].least:.0%} of its speed)"
        ),
    }
