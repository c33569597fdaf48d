"""Time functions, including their queued GPU work, and compare them in turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

# Between two turns: torch's threads spin for some milliseconds after their work, and would take a core from another process.
PAUSE_S = 0.1


class Took(NamedTuple):
    """Seconds over all rounds. The least is what other programs on the machine disturb least."""

    median: float
    least: float


def timed(work: Callable[[], Any], device: str) -> float:
    """Seconds of `work`, including the work that it queued on torch's `device`."""
    started = time.perf_counter()
    work()
    if device != "cpu":
        import torch

        getattr(torch, device).synchronize()
    return time.perf_counter() - started


def in_turns(kinds: dict[str, Callable[[], float]], rounds: int) -> dict[str, Took]:
    """What each kind returns, which is seconds; every round runs each kind once."""
    took: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(rounds):
        for name, run in kinds.items():
            time.sleep(PAUSE_S)
            took[name].append(run())
    return {name: Took(statistics.median(seconds), min(seconds)) for name, seconds in took.items()}
