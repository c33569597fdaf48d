"""A clip by a deadline: fewer takes, then fewer steps, as few of each as it needs; or the word that it cannot be."""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Callable

from bridge.domain.clip import Prompt

# Estimates are medians: without some room every other clip would be late.
ROOM = 1.15


def fit(prompt: Prompt, left_s: float, least_steps: int | None, seconds_of: Callable[[Prompt], float]) -> Prompt | None:
    """The prompt, with fewer takes or else steps if that brings it below `left_s` seconds; None if nothing does.

    `least_steps`: never fewer than that, unless fewer were asked for; None: there are no steps to lower.
    `seconds_of` estimates a prompt; 0 means that
    nothing has been measured yet, and then all is left as it is.
    """

    def in_time(tried: Prompt) -> bool:
        return ROOM * seconds_of(tried) <= left_s

    if in_time(prompt):
        return prompt
    # What cannot be is known first: an estimate costs 0.1 ms, and hopeless asks may come by the hundred.
    if not in_time(dataclasses.replace(prompt, takes=1, steps=least_steps or prompt.steps)):
        return None
    for takes in range(prompt.takes - 1, 0, -1):
        tried = dataclasses.replace(prompt, takes=takes)
        if in_time(tried):
            return tried
    if least_steps is None or prompt.steps is None:
        return dataclasses.replace(prompt, takes=1)
    steps = bisect.bisect_left(
        range(least_steps, prompt.steps), True, key=lambda n: not in_time(dataclasses.replace(prompt, takes=1, steps=n))
    )
    return dataclasses.replace(prompt, takes=1, steps=least_steps + steps - 1)
