"""Meet a deadline: lower the takes, then the steps, no further than needed."""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Callable

from bridge.domain.clip import Prompt

# Estimates are medians: without a margin, half of the clips would be late.
ROOM = 1.15


def fit(prompt: Prompt, left_s: float, least_steps: int | None, seconds_of: Callable[[Prompt], float]) -> Prompt | None:
    """The prompt with as many takes, then steps, as fit into `left_s` seconds; None if even the fewest do not fit.

    `least_steps`: lower the steps no further than this; None: the checkpoint has no steps. `seconds_of` estimates a prompt; 0
    means that nothing has been measured yet, and then nothing is lowered.
    """

    def in_time(lowered: Prompt) -> bool:
        return ROOM * seconds_of(lowered) <= left_s

    if in_time(prompt):
        return prompt
    # Test the least first: an estimate costs 0.1 ms, and hopeless asks may come by the hundred.
    if not in_time(dataclasses.replace(prompt, takes=1, steps=least_steps or prompt.steps)):
        return None
    for takes in range(prompt.takes - 1, 0, -1):
        fewer = dataclasses.replace(prompt, takes=takes)
        if in_time(fewer):
            return fewer
    if least_steps is None or prompt.steps is None:
        return dataclasses.replace(prompt, takes=1)
    steps = bisect.bisect_left(
        range(least_steps, prompt.steps), True, key=lambda n: not in_time(dataclasses.replace(prompt, takes=1, steps=n))
    )
    return dataclasses.replace(prompt, takes=1, steps=least_steps + steps - 1)
