"""Look for requests that take far longer than others of the same kind."""

from __future__ import annotations

import random
import statistics
from collections import defaultdict

from bridge.bench.apart import Apart

WORDS = (
    "rain",
    "kick",
    "deep warm kick",
    "bright closed hi-hat, tight and dry",
    "glassy bell with a long tail in a hall",
)
STEPS = 5


def figures(ours: Apart, number: int, longest: float) -> dict[str, str]:
    """Ask for `number` random clips of at most `longest` seconds, and compare each with its kind's median."""
    drawn = random.Random(0)
    took: dict[tuple[object, ...], list[float]] = defaultdict(list)
    for _ in range(number):
        seconds = drawn.choice((0.25, 0.5, 1.0, 2.0))
        text, seconds, takes = drawn.choice(WORDS), min(seconds, longest), drawn.choice((1, 1, 1, 2, 4))
        guidance = drawn.choice((1.0, 3.5))
        spent = ours.ask("clip", text, seconds, STEPS, takes=takes, guidance=guidance)
        took[(ours.ask("rows_for", seconds), takes, guidance)].append(spent)
    worst, late = 0.0, 0
    for times in took.values():
        middle = statistics.median(times)
        worst = max(worst, max(times) / middle)
        late += sum(spent > 2 * middle for spent in times)
    return {
        f"{number} random requests of {len(took)} kinds, {STEPS} steps: over twice their kind's median": f"{late}",
        "the worst of them, over its kind's median": f"{worst:.2f} ×",
    }
