"""The denoising loop: that of AudioLDM2Pipeline, for texts that are encoded already, with guidance where it helps.

T. Kynkäänniemi et al., "Applying Guidance in a Limited Interval Improves Sample and Distribution Quality in Diffusion
Models", NeurIPS 2024. Steps without guidance cost half.
"""

from __future__ import annotations

import inspect
import math
from typing import Any

import torch
import torch.nn.functional as F

from bridge.engine.audioldm2.embeddings import Embeddings
from bridge.engine.messages import OnStep
from bridge.engine.runtime.network import Network

# Where a sound begins is decided in the first steps. Turned from the first one, the starter made silence of 3 of 25 sounds
# (those of a single hit), turned in the second half of one, and the seams are as good.
TURNED_FROM = 0.5
GOLDEN = (math.sqrt(5) - 1) / 2  # turns by it fall nowhere near each other, however many there are


class Denoiser:
    """Runs `network` with a pipeline's scheduler. `guided_above`: the noise level (deviation of the noise over that of
    the signal) down to which there is guidance; 0 guides to the end, as the stock pipeline does."""

    def __init__(self, pipe: Any, network: Network, compute: str, guided_above: float) -> None:
        self.network, self.guided_above = network, guided_above
        self._pipe, self._compute = pipe, compute

    def run(
        self,
        noise: torch.Tensor,
        wanted: Embeddings,
        unwanted: Embeddings | None,
        steps: int,
        guidance: float,
        generators: list[torch.Generator],
        on_step: OnStep,
        circular: bool = False,
    ) -> torch.Tensor:
        """Latents (takes, channels, rows, width) from noise of that shape. `unwanted`: what to be guided away from; None
        for no guidance. `circular`: the last row is followed by the first. Raises what `on_step` raises.

        The network takes what is beyond the first and last row for silence. For a circle its input is turned, at each of
        the later steps by another number of rows, and its answer turned back: no place is an end at more than one of them.
        The scheduler, with whatever it remembers, sees nothing of that.
        """
        scheduler, takes = self._pipe.scheduler, len(noise)
        scheduler.set_timesteps(steps, device=self._compute)
        takes_generator = "generator" in inspect.signature(scheduler.step).parameters
        more = {"generator": generators} if takes_generator else {}
        levels = self._levels(scheduler)
        both = None if unwanted is None else states((unwanted, wanted), takes)
        alone = states((wanted,), takes)
        latents = noise * scheduler.init_noise_sigma
        for done, (timestep, level) in enumerate(zip(scheduler.timesteps, levels, strict=True), 1):
            guided = both is not None and level > self.guided_above
            turned = circular and done > TURNED_FROM * len(levels)
            turn = round(done * GOLDEN % 1 * latents.shape[2]) if turned else 0
            given = scheduler.scale_model_input(torch.cat([latents] * 2) if guided else latents, timestep)
            given = given.roll(turn, 2) if turn else given
            if guided:
                assert both is not None
                away, told = self.network(given, timestep, *both).chunk(2)
                predicted = away + guidance * (told - away)
            else:
                predicted = self.network(given, timestep, *alone)
            predicted = predicted.roll(-turn, 2) if turn else predicted
            latents = scheduler.step(predicted, timestep, latents, **more, return_dict=False)[0]
            # Schedulers of second order evaluate twice a step.
            on_step(done * steps // len(levels), steps)
        return latents

    @staticmethod
    def _levels(scheduler: Any) -> list[float]:
        """The noise level at each timestep."""
        kept = scheduler.alphas_cumprod.float().cpu()
        levels = ((1 - kept) / kept).sqrt()
        return [float(levels[int(timestep)]) for timestep in scheduler.timesteps.tolist()]


def states(texts: tuple[Embeddings, ...], takes: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What the network is told, for each text `takes` times, all padded to one width. Padding comes after encoding and is
    masked, which leaves the waveform as it is, bit for bit (FACTS A2.3)."""
    width = max(text.t5.shape[1] for text in texts)
    t5 = [F.pad(text.t5, (0, 0, 0, width - text.t5.shape[1])).expand(takes, -1, -1) for text in texts]
    masks = [F.pad(text.mask, (0, width - text.mask.shape[1])).expand(takes, -1) for text in texts]
    return torch.cat([text.gpt2.expand(takes, -1, -1) for text in texts]), torch.cat(t5), torch.cat(masks)
