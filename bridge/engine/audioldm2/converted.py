"""The networks of AudioLDM 2 that OpenVINO runs: their names, and how the engine uses them."""

from __future__ import annotations

from typing import Any

import torch

from bridge.engine.runtime.network import Network

UNET, FEW, DECODER, VOCODER = "unet", "few", "decoder", "vocoder"
MODULE = "bridge.engine.audioldm2.parts"  # converts them
# Those folders of a checkpoint, as far as it has them, whose weights are in the converted networks.
FOLDERS = ("unet", "unet_few", "vae", "vocoder")


class HiFiGan:
    """A converted HiFi-GAN in the place of the pipeline's: spectrogram (batch, frames, bands) → waveform (batch, samples)."""

    def __init__(self, config: Any, network: Network) -> None:
        self.config, self._network = config, network

    def __call__(self, spectrogram: torch.Tensor) -> torch.Tensor:
        return self._network(spectrogram)
