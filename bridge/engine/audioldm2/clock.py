"""Where each row of latents lies in the bar: a second input of networks that were trained to keep time.

A network as small as the starter's does not keep a tempo that is a word. Sines of the position in bar, beat and sub-beat, at each
row, made the difference. They are added where the latents enter, so that a pipeline without them runs the same checkpoint.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from bridge.errors import NoModel

FILE = "clock.safetensors"  # beside the other weights of a UNet
WEIGHT = "conv_in.weight"
CYCLES = (16.0, 8.0, 4.0, 2.0, 1.0, 0.5, 0.25)  # beats: four bars, two, one, half a bar, a beat, half of it, a quarter
CHANNELS = 2 + 2 * len(CYCLES)


def rows_of(rows: int, row_seconds: float, lead_in_s: float, bpm: float, ring: bool) -> torch.Tensor:
    """The clock (CHANNELS, rows): whether there is a beat, whether the last row is followed by the first, and sine and cosine of the
    position in each cycle at the middle of each row. `bpm`: 0 without a beat; `lead_in_s`: silence before the first beat."""
    clock = torch.zeros(CHANNELS, rows)
    clock[1] = float(ring)
    if not bpm:
        return clock
    clock[0] = 1.0
    beats = ((torch.arange(rows, dtype=torch.float64) + 0.5) * row_seconds - lead_in_s) * bpm / 60
    for number, cycle in enumerate(CYCLES):
        angle = 2 * math.pi * beats / cycle
        clock[2 + 2 * number], clock[3 + 2 * number] = angle.sin(), angle.cos()
    return clock


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
