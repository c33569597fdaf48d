"""Time functions, including their queued GPU work, and compare them in turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch


def timed(work: Callable[[], Any], compute: str) -> float:
    """Seconds of `work`, including the GPU work that it queued."""
    started = time.perf_counter()
    work()
    if compute != "cpu":
        getattr(torch, compute).synchronize()
    return time.perf_counter() - started


def in_turns(kinds: dict[str, Callable[[], float]], rounds: int) -> list[float]:
    """The median of the seconds that each kind returns; every round runs each kind once."""
    took: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(rounds):
        for name, run in kinds.items():
            took[name].append(run())
    return [statistics.median(seconds) for seconds in took.values()]
