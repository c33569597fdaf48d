"""ACE-Step's autoencoder in windows, and without chance: the pipeline would draw from the distribution of a source with random numbers
of its own, so that no take could be made again."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import torch

from bridge.engine.windows import Windowed

# The convolutions of each level together reach less than 10 latents, most of it at the level next to the latents.
REACH = 16


class WindowedOobleck:
    """Stands in for an AutoencoderOobleck in pipelines."""

    def __init__(self, oobleck: Any) -> None:
        self.config, self.dtype = oobleck.config, oobleck.dtype
        self.windowed = Windowed(
            encode=lambda audio: oobleck.encode(audio).latent_dist.mode(),
            decode=lambda latents: oobleck.decode(latents).sample,
            hop=math.prod(oobleck.config.downsampling_ratios),
            rate=int(oobleck.config.sampling_rate),
            reach=REACH,
        )

    def encode(self, audio: torch.Tensor) -> SimpleNamespace:
        """As AutoencoderOobleck.encode; the sample of its distribution is the mean."""
        mean = self.windowed.encoded(audio)
        return SimpleNamespace(latent_dist=SimpleNamespace(sample=lambda: mean))
