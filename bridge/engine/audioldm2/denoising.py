"""The denoising loop of AudioLDM2Pipeline, for encoded texts, with guidance only where it helps.

T. Kynkäänniemi et al., "Applying Guidance in a Limited Interval Improves Sample and Distribution Quality in Diffusion
Models", NeurIPS 2024. Steps without guidance cost half.
"""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from bridge.engine.audioldm2.clock import CHANNELS, beside
from bridge.engine.audioldm2.starting import Kept, Start, kept_prediction, prepared
from bridge.engine.audioldm2.text import Embeddings
from bridge.engine.messages import OnStep
from bridge.engine.runtime.network import Network

STRAIGHT = {"solver_order": 1}  # of DPMSolverMultistepScheduler, which is DDIM then
GOLDEN = (math.sqrt(5) - 1) / 2  # multiples of it, modulo 1, stay far apart for any number of steps


class Denoiser:
    """Runs `network` with a pipeline's scheduler. `few`: the network for few steps without guidance, if the checkpoint has one.
    `guided_above`: guidance ends at this noise level (standard deviation of the noise over that of the signal); 0 guides to the end, as the
    stock pipeline does."""

    def __init__(
        self, pipe: Any, network: Network, compute: str, guided_above: float, few: Network | None = None
    ) -> None:
        self.network, self.few, self.guided_above = network, few, guided_above
        self._pipe, self._compute = pipe, compute

    def run(
        self,
        noise: torch.Tensor,
        text: Embeddings,
        negative: Embeddings | None,
        steps: int,
        guidance: float,
        generators: list[torch.Generator],
        on_step: OnStep,
        circular_from: float | None = None,
        start: Start | None = None,
        kept: Kept | None = None,
        clock: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Latents (takes, channels, rows, width) from noise of that shape. `negative`: None for no guidance. `circular_from`: the
        share of the steps, 0 to 1, after which the last row is followed by the first; None: never. `steps` are those of the whole
        schedule, of which a `start` runs the last ones; `on_step` counts those that are run. `clock`: see beat_clock; None for none.
        Raises what `on_step` raises.

        The network assumes silence beyond the first and last row. For a circle its input is therefore rolled, at each later
        step by a different number of rows, and its output rolled back: no place is an end at more than one step. The
        scheduler, which may keep a history, does not notice.
        """
        takes, network, scheduler = len(noise), self.network, self._pipe.scheduler
        if (
            self.few is not None
            and negative is None
            and start is None
            and kept is None
            and steps == self._pipe.few_steps
        ):
            # It learned to go straight from each of its steps to the next.
            straight = STRAIGHT if "solver_order" in scheduler.config else {}
            network, scheduler = self.few, type(scheduler).from_config(scheduler.config, **straight)
        if clock is None and self._pipe.keeps_time:
            clock = noise.new_zeros(CHANNELS, noise.shape[2])
        scheduler, timesteps = prepared(scheduler, steps, start, self._compute)
        takes_generator = "generator" in inspect.signature(scheduler.step).parameters
        extra = {"generator": generators} if takes_generator else {}
        levels = self._levels(scheduler, timesteps)
        both = None if negative is None else states((negative, text), takes)
        alone = states((text,), takes)
        latents = noise * scheduler.init_noise_sigma
        if start is not None and start.share < 1:
            steps = start.steps
            latents = scheduler.add_noise(start.latents.expand_as(noise).to(noise), noise, timesteps[0].repeat(takes))
        for done, (timestep, level) in enumerate(zip(timesteps, levels, strict=True), 1):
            guided = both is not None and level > self.guided_above
            turned = circular_from is not None and done > circular_from * len(levels)
            turn = round(done * GOLDEN % 1 * latents.shape[2]) if turned else 0
            scaled = scheduler.scale_model_input(latents, timestep)
            batch = torch.cat([scaled] * 2) if guided else scaled
            batch = batch if clock is None else beside(batch, clock)
            batch = batch.roll(turn, 2) if turn else batch
            if guided:
                assert both is not None
                away, towards = network(batch, timestep, *both).chunk(2)
                predicted = away + guidance * (towards - away)
            else:
                predicted = network(batch, timestep, *alone)
            predicted = predicted.roll(-turn, 2) if turn else predicted
            if kept is not None:
                true = kept_prediction(kept, scaled, level, scheduler.config.prediction_type)
                predicted = torch.lerp(predicted, true, kept.mask.to(predicted))
            latents = scheduler.step(predicted, timestep, latents, **extra, return_dict=False)[0]
            # Schedulers of second order run the network twice a step.
            on_step(done * steps // len(levels), steps)
        # Some schedulers end at their least noise instead of at none.
        return latents if kept is None else torch.lerp(latents, kept.latents.to(latents), kept.mask.to(latents))

    @staticmethod
    def _levels(scheduler: Any, timesteps: list[Any]) -> list[float]:
        """The noise level at each timestep, of which some schedulers have fractions."""
        signal = scheduler.alphas_cumprod.double().cpu().numpy()
        levels = np.interp(
            [float(timestep) for timestep in timesteps], np.arange(len(signal)), ((1 - signal) / signal) ** 0.5
        )
        return [float(level) for level in levels]


def states(texts: tuple[Embeddings, ...], takes: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """GPT-2 states, T5 states and mask of each text, repeated for `takes`, padded to one width. The padding comes after encoding
    and is masked, so it does not change the waveform by a bit."""
    width = max(text.t5.shape[1] for text in texts)
    t5 = [F.pad(text.t5, (0, 0, 0, width - text.t5.shape[1])).expand(takes, -1, -1) for text in texts]
    masks = [F.pad(text.mask, (0, width - text.mask.shape[1])).expand(takes, -1) for text in texts]
    return torch.cat([text.gpt2.expand(takes, -1, -1) for text in texts]), torch.cat(t5), torch.cat(masks)
