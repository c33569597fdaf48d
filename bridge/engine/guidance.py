"""Guidance where it helps: while noise outweighs the sound. The rest of the steps run without the negative half.

T. Kynkäänniemi et al., "Applying Guidance in a Limited Interval Improves Sample and Distribution Quality in Diffusion
Models", NeurIPS 2024. Steps without guidance cost half.
"""

from __future__ import annotations

from typing import Any

import torch


class EarlyGuidance:
    """Replaces the forward of a pipeline's UNet. `above`: the noise level (deviation of the noise over that of the
    signal) down to which there is guidance. `on`: whether the running job has guidance at all."""

    def __init__(self, pipe: Any, above: float) -> None:
        self.on = False
        self._forward = pipe.unet.forward
        kept = pipe.scheduler.alphas_cumprod.float().cpu()
        self._guided = ((1 - kept) / kept).sqrt() > above  # by the timestep
        pipe.unet.forward = self

    def __call__(self, sample: torch.Tensor, timestep: Any, **more: Any) -> Any:
        if not self.on or self._guided[int(timestep)]:
            return self._forward(sample, timestep, **more)
        # The pipeline mixes both halves; where they are equal, the mix is what the prompt alone makes.
        half = {name: value.chunk(2)[1] if torch.is_tensor(value) else value for name, value in more.items()}
        told = self._forward(sample.chunk(2)[1], timestep, **half)[0]
        return (torch.cat([told, told]),)
