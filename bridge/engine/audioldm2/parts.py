"""The networks of AudioLDM 2 that OpenVINO runs, with inputs that show which sizes vary."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import AudioLDM2UNet2DConditionModel, AutoencoderKL
from torch.export import Dim
from transformers import SpeechT5HifiGan

from bridge.checkpoints import audioldm2
from bridge.checkpoints.reading import class_of, read_json
from bridge.engine.audioldm2.clock import with_clock
from bridge.engine.audioldm2.converted import DECODER, FEW, UNET, VOCODER
from bridge.engine.audioldm2.unet import Unet
from bridge.engine.loading import load_part, quiet
from bridge.engine.runtime.conversion import Part
from bridge.engine.runtime.network import Inputs

MOST_TOGETHER = 63  # diffusers takes another path above, which torch.export does not follow
ROWS, FRAMES = (64, 256), (256, 1_024)  # run to measure memory


class Decoder(torch.nn.Module):
    """The VAE's decoder: latents (batch, channels, rows, width), scaled → spectrogram (batch, 1, frames, bands)."""

    def __init__(self, vae: Any) -> None:
        super().__init__()
        self.vae = vae

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        spectrogram: torch.Tensor = self.vae.decode(latents, return_dict=False)[0]
        return spectrogram


class Vocoder(torch.nn.Module):
    """HiFi-GAN: spectrogram (batch, frames, bands) → waveform (batch, samples)."""

    def __init__(self, vocoder: Any) -> None:
        super().__init__()
        self.vocoder = vocoder

    def forward(self, spectrogram: torch.Tensor) -> torch.Tensor:
        waveform: torch.Tensor = self.vocoder(spectrogram)
        return waveform


def parts(checkpoint: Path) -> list[Part]:
    """The parts of a checkpoint, in float32. The starter's vocoder has no weights, and stays as it is. Raises NoModel."""
    quiet()
    dtype = torch.float32
    unets = {UNET: "unet", **({FEW: audioldm2.FEW} if audioldm2.few_steps(checkpoint) else {})}
    vae = load_part(checkpoint, "vae", AutoencoderKL, dtype)
    vocoder, gpt2, t5 = (
        read_json(checkpoint / part / "config.json") for part in ("vocoder", "language_model", "text_encoder_2")
    )
    bands = vocoder["model_in_dim"]
    width = bands // 2 ** (len(vae.config.block_out_channels) - 1)
    texts = gpt2.get("max_new_tokens") or 8, gpt2["n_embd"], t5.get("d_model") or t5["hidden_size"]
    found = []
    for name, folder in unets.items():
        unet = with_clock(load_part(checkpoint, folder, AudioLDM2UNet2DConditionModel, dtype), checkpoint / folder)
        found.append(_unet(name, unet, width, *texts))
    found.append(_decoder(vae, width))
    if class_of(checkpoint, "vocoder") == SpeechT5HifiGan.__name__:
        found.append(_vocoder(load_part(checkpoint, "vocoder", SpeechT5HifiGan, dtype), bands))
    return found


def _unet(name: str, unet: Any, width: int, gpt2_tokens: int, gpt2_width: int, t5_width: int) -> Part:
    unit = 2 ** (len(unet.config.block_out_channels) - 1)

    def inputs(batch: int, units: int, tokens: int) -> Inputs:
        return (
            torch.randn(batch, unet.conv_in.in_channels, units * unit, width),
            torch.tensor(500.0),
            torch.randn(batch, gpt2_tokens, gpt2_width),
            torch.randn(batch, tokens, t5_width),
            torch.ones((batch, tokens), dtype=torch.int64),
        )

    batch, units, tokens = Dim("batch", max=MOST_TOGETHER), Dim("units"), Dim("tokens")
    return Part(
        name,
        Unet(unet),
        inputs(4, 3, 6),
        ({0: batch, 2: unit * units}, None, {0: batch}, {0: batch, 1: tokens}, {0: batch, 1: tokens}),
        (inputs(1, 2, 5), inputs(2, 7, 1), inputs(1, 1, 70)),
        ((ROWS[0], inputs(1, ROWS[0] // unit, 8)), (ROWS[1], inputs(1, ROWS[1] // unit, 8))),
    )


def _decoder(vae: Any, width: int) -> Part:
    def inputs(batch: int, rows: int) -> Inputs:
        return (torch.randn(batch, vae.config.latent_channels, rows, width),)

    dynamic = ({0: Dim("batch", max=MOST_TOGETHER), 2: Dim("rows")},)
    few, many = ((rows, inputs(1, rows)) for rows in ROWS)
    return Part(DECODER, Decoder(vae), inputs(2, 24), dynamic, (inputs(1, 16), inputs(1, 41)), (few, many))


def _vocoder(vocoder: Any, bands: int) -> Part:
    def inputs(batch: int, frames: int) -> Inputs:
        return (torch.randn(batch, frames, bands),)

    dynamic = ({0: Dim("batch", max=MOST_TOGETHER), 1: Dim("frames")},)
    few, many = ((frames, inputs(1, frames)) for frames in FRAMES)
    return Part(VOCODER, Vocoder(vocoder), inputs(2, 90), dynamic, (inputs(1, 60), inputs(1, 133)), (few, many))
