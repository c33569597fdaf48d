"""The autoencoder of ACE-Step and Stable Audio Open in windows, and without chance: a pipeline would draw from the distribution of a source
with random numbers of its own, so that no take could be made again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch

from bridge.engine.windows import Windowed

# The convolutions of each level together reach less than 10 latents, most of it at the level next to the latents.
REACH = 16


class WindowedOobleck:
    """Stands in for an AutoencoderOobleck in pipelines."""

    def __init__(self, oobleck: Any) -> None:
        self.config, self.dtype, self.hop_length = oobleck.config, oobleck.dtype, int(oobleck.hop_length)
        self.windowed = Windowed(
            encode=lambda audio: oobleck.encode(audio).latent_dist.mode(),
            decode=lambda latents: oobleck.decode(latents).sample,
            hop=self.hop_length,
            rate=int(oobleck.config.sampling_rate),
            reach=REACH,
        )

    def encode(self, audio: torch.Tensor) -> SimpleNamespace:
        """As AutoencoderOobleck.encode; the sample of its distribution is the mean."""
        mean = self.windowed.encoded(audio)
        return SimpleNamespace(latent_dist=SimpleNamespace(sample=lambda: mean))
