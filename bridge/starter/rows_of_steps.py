"""The row of the evaluation about the number of steps."""

from __future__ import annotations

import numpy as np

from bridge.starter.catalogue import SOUNDS
from bridge.starter.judge import Judge
from bridge.starter.rows import Row

COUNTS = (20, 8, 6, 4, 2)


def step_rows(judge: Judge) -> list[Row]:
    """The share of the plainest names that are recognised at each number of steps. Every measure by another number of steps: `--steps`."""
    shares = []
    for steps in COUNTS:
        right = [
            judge.recognised(judge.sound(sound.nouns[0], 5_000 + number, steps=steps)) == sound.name
            for number, sound in enumerate(judge.some(SOUNDS))
        ]
        shares.append(f"{steps} steps {np.mean(right):.0%}")
    return [Row("plainest names recognised by the number of steps", ", ".join(shares), "few as good as 20")]
