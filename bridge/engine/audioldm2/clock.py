"""The clock (see beat_clock) beside the latents: a second input of a UNet that was trained to keep time.

It is added where the latents enter, so that a pipeline without it runs the same checkpoint.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from bridge.engine.beat_clock import CHANNELS
from bridge.errors import NoModel

FILE = "clock.safetensors"  # beside the other weights of a UNet
WEIGHT = "conv_in.weight"


def beside(latents: torch.Tensor, clock: torch.Tensor) -> torch.Tensor:
    """The network's input: latents (batch, channels, rows, width) and behind them the clock: one for all (CHANNELS, rows), or one for each
    of the batch (batch, CHANNELS, rows)."""
    batch, _, _, width = latents.shape
    clock = clock.to(latents)[..., None].expand(batch, -1, -1, width)
    return torch.cat([latents, clock], dim=1)


def with_clock(unet: Any, folder: Path) -> Any:
    """The UNet of a folder, which takes latents with the clock beside them if it was trained to. Raises NoModel."""
    file = folder / FILE
    if not file.is_file():
        return unet
    plain = unet.conv_in
    try:
        weight = load_file(file)[WEIGHT]
    except (OSError, SafetensorError, KeyError) as error:
        raise NoModel(f"{file} is damaged ({type(error).__name__}: {error}). Fetch the checkpoint again.") from error
    wanted = (plain.out_channels, CHANNELS, *plain.kernel_size)
    if tuple(weight.shape) != wanted:
        raise NoModel(f"{file} has weights of {tuple(weight.shape)} instead of {wanted}. Fetch the checkpoint again.")
    unet.conv_in = widened(plain, weight)
    return unet


def widened(plain: torch.nn.Conv2d, weight: torch.Tensor) -> torch.nn.Conv2d:
    """A convolution with these weights (out, more channels, height, width) behind its own."""
    both = torch.cat([plain.weight.data, weight.to(plain.weight)], dim=1)
    wide = torch.nn.Conv2d(both.shape[1], both.shape[0], (both.shape[2], both.shape[3]), padding=1)
    wide.weight, wide.bias = torch.nn.Parameter(both), plain.bias
    return wide
