"""Stable Audio 3's autoencoder in windows: its attention spans a few latents, while a whole clip would need memory that grows with the
square of its length, 3 GB for 150 seconds."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import torch

from bridge.engine.windows import Windowed


class WindowedSame:
    """Stands in for an AutoencoderSAME in pipelines."""

    def __init__(self, same: Any) -> None:
        self._same, self.config, self.downsampling_ratio = same, same.config, int(same.downsampling_ratio)
        self.windowed = Windowed(
            encode=lambda audio: same.encode(audio).latents,
            decode=lambda latents: same.decode(latents).sample,
            hop=self.downsampling_ratio,
            rate=int(same.config.sampling_rate),
            reach=int(sum(same.config.encoder_transformer_depths) * same.config.sliding_window),
        )

    def parameters(self) -> Iterator[torch.nn.Parameter]:
        """Its weights, by which pipelines know its precision."""
        weights: Iterator[torch.nn.Parameter] = self._same.parameters()
        return weights

    def encode(self, audio: torch.Tensor) -> SimpleNamespace:
        """As AutoencoderSAME.encode."""
        return SimpleNamespace(latents=self.windowed.encoded(audio))
