"""The steps of a pipeline of diffusers: counted, timed, and the place where a job is cancelled."""

from __future__ import annotations

import time
from typing import Any

from bridge.engine.messages import OnStep


class PipelineSteps:
    """A `callback_on_step_end` for a run of `units` steps. `on_step` may raise JobCancelled, which ends the pipeline there."""

    def __init__(self, on_step: OnStep, units: int) -> None:
        self._on_step, self._units = on_step, units
        self._times = [time.perf_counter()]

    def __call__(self, _pipeline: Any, _index: int, _timestep: Any, _tensors: dict[str, Any]) -> dict[str, Any]:
        self._times.append(time.perf_counter())
        self._on_step(len(self._times) - 1, self._units)
        return {}

    @property
    def seconds(self) -> float:
        """What all steps took. The first also waits for texts and sources, so it counts as long as the others."""
        done = len(self._times) - 1
        if done < 2:
            return self._times[-1] - self._times[0]
        return (self._times[-1] - self._times[1]) * done / (done - 1)
