"""Denoising that starts from audio, or keeps a part of it: the timesteps that are run, and the prediction where a sound is kept."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from bridge.domain.source import Source


@dataclass(frozen=True, slots=True)
class Start:
    """Start from `latents` (1 or takes, channels, rows, width) instead of noise: at the noise level of the place `share`, 0 to 1, of the
    schedule, with `steps` steps from there on. A share of 1 starts from noise alone."""

    latents: torch.Tensor
    share: float
    steps: int

    @classmethod
    def of(cls, source: Source, latents: torch.Tensor, steps: int) -> Start:
        """The start for the strength of a source, in a schedule of `steps`."""
        return cls(latents, source.schedule_share, source.steps_of(steps))


@dataclass(frozen=True, slots=True)
class Kept:
    """Keep `latents` (1 or takes, channels, rows, width) where `mask`, which broadcasts to that shape, is 1; where it is 0, the network
    makes the sound."""

    latents: torch.Tensor
    mask: torch.Tensor


def prepared(scheduler: Any, steps: int, start: Start | None, device: str) -> tuple[Any, list[Any]]:
    """The scheduler for a run and the timesteps to run. With a start, they are spread evenly from its place on to the last of `steps`
    steps, so that the sound depends on the noise level and not on the number of steps. Schedulers that have timesteps of their own start
    at the nearest one."""
    if start is None or start.share >= 1:
        scheduler.set_timesteps(steps, device=device)
        return scheduler, list(scheduler.timesteps)
    if "skip_prk_steps" in scheduler.config:
        return _pndm(scheduler, steps, start, device)
    scheduler.set_timesteps(steps, device=device)
    place, begin = _place(scheduler, start), 0
    last = min(place, float(scheduler.timesteps[-1]))
    if not _set(scheduler, np.linspace(place, last, start.steps).round().astype(int).tolist(), device):
        order = int(getattr(scheduler, "order", 1))  # the network runs in each step
        begin = order * _nearest(scheduler.timesteps[::order], place)
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(begin)
    return scheduler, list(scheduler.timesteps[begin:])


def _pndm(scheduler: Any, steps: int, start: Start, device: str) -> tuple[Any, list[Any]]:
    """As `prepared`. Its Runge-Kutta steps can only begin at noise; its multistep ones repeat the first step, more exactly."""
    scheduler = type(scheduler).from_config(scheduler.config, skip_prk_steps=True)
    scheduler.set_timesteps(steps, device=device)
    places = scheduler.timesteps.unique().flip(0)
    run = list(places[_nearest(places, _place(scheduler, start)) :])
    return scheduler, [*run[:2], *run[1:]]


def _place(scheduler: Any, start: Start) -> float:
    return float(start.share * (scheduler.config.num_train_timesteps - 1))


def _nearest(timesteps: torch.Tensor, target: float) -> int:
    return int((timesteps.float() - target).abs().argmin())


def _set(scheduler: Any, timesteps: list[int], device: str) -> bool:
    """Set these timesteps, if the scheduler takes any."""
    if "timesteps" not in inspect.signature(scheduler.set_timesteps).parameters:
        return False
    steps = scheduler.num_inference_steps
    try:
        scheduler.set_timesteps(timesteps=timesteps, device=device)
    except ValueError:  # its settings (Karras sigmas …) determine them
        scheduler.set_timesteps(steps, device=device)
        return False
    return True


def kept_prediction(kept: Kept, scaled: torch.Tensor, level: float, kind: str) -> torch.Tensor:
    """What a perfect network would predict for the kept latents: the prediction with which any solver ends at them. `scaled`: the
    network's input, signal and noise with a total power of 1. `level`: standard deviation of the noise over that of the signal. `kind`:
    the scheduler's prediction_type."""
    latents, signal = kept.latents.to(scaled), (1 + level**2) ** -0.5
    if kind == "sample":
        return latents.expand_as(scaled)
    noise = (scaled - signal * latents) / (level * signal)
    return noise if kind == "epsilon" else signal * noise - level * signal * latents
