"""Stable Audio 3's autoencoder in windows. Its attention spans a few latents, so the result is the same, while a whole clip would need
memory that grows with the square of its length: 3 GB for 150 seconds."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import torch

from bridge.engine.windows import windows


class WindowedSame:
    """Stands in for an AutoencoderSAME in pipelines. `reach`: the latents on each side by which one is influenced."""

    def __init__(self, same: Any) -> None:
        self._same = same
        self.config, self.downsampling_ratio = same.config, int(same.downsampling_ratio)
        self.reach = int(sum(same.config.encoder_transformer_depths) * same.config.sliding_window)
        self._per_second = same.config.sampling_rate / self.downsampling_ratio

    def parameters(self) -> Iterator[torch.nn.Parameter]:
        """Its weights, by which pipelines know its precision."""
        weights: Iterator[torch.nn.Parameter] = self._same.parameters()
        return weights

    def encode(self, audio: torch.Tensor) -> SimpleNamespace:
        """As AutoencoderSAME.encode, for audio (batch, channels, samples)."""
        hop, parts = self.downsampling_ratio, []
        for window in windows(-(-audio.shape[-1] // hop), self._per_second, self.reach):
            latents = self._same.encode(audio[..., window.begin * hop : window.end * hop]).latents
            parts.append(latents[..., window.inner])
        return SimpleNamespace(latents=torch.cat(parts, dim=-1))

    def decoded(self, latents: torch.Tensor) -> Iterator[torch.Tensor]:
        """The samples (batch, channels, samples) of latents (batch, width, length), piece by piece."""
        hop = self.downsampling_ratio
        for window in windows(latents.shape[-1], self._per_second, self.reach):
            samples = self._same.decode(latents[..., window.begin : window.end]).sample
            yield samples[..., window.inner.start * hop : window.inner.stop * hop]
