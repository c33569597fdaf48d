"""Spectrogram to waveform, piece by piece where that is exact: a long clip then needs the memory of a short one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import torch

FIRST_FRAMES = 100  # a second at AudioLDM 2's 10 ms a frame: what is heard first need not wait for the rest
CHUNK_FRAMES = 1_024


def reach_frames(config: Any) -> int:
    """How many frames to either side a sample of HiFi-GAN depends on, from its layers: 26 for AudioLDM 2's, whose
    measured reach is 23 (FACTS A2.11)."""
    reach, rate = 3.0, 1  # the first convolution has 7 taps of one frame
    for upsample, kernel in zip(config.upsample_rates, config.upsample_kernel_sizes, strict=True):
        reach += math.ceil(kernel / upsample) / rate
        rate *= upsample
        blocks = zip(config.resblock_kernel_sizes, config.resblock_dilation_sizes, strict=True)
        # Each dilated convolution of a block is followed by a plain one.
        reach += (
            max(sum((size - 1) // 2 * (dilation + 1) for dilation in dilations) for size, dilations in blocks) / rate
        )
    return math.ceil(reach + 3 / rate)


def _ends(frames: int, first: int, most: int) -> Iterator[int]:
    """Where chunks end: each is made while the one before is heard, so each may be twice as long."""
    end, size = 0, first
    while end < frames:
        end, size = min(frames, end + size), min(most, 2 * size)
        yield end


@torch.no_grad()
def waveform(
    vocoder: Any, mel: torch.Tensor, chunk_frames: int = CHUNK_FRAMES, first_frames: int = FIRST_FRAMES
) -> Iterator[torch.Tensor]:
    """The waveform of a spectrogram (1, frames, bands) as float32 pieces on the CPU, (samples,) each.

    HiFi-GAN sees each chunk with what it depends on at either side, so the joined pieces equal the whole. A vocoder
    that finds phases by looking at everything (the starter's) gets all at once.
    """
    frames = mel.shape[1]
    if not hasattr(vocoder.config, "resblock_kernel_sizes") or frames <= first_frames:
        yield vocoder(mel)[0].cpu().float()
        return
    reach, hop = reach_frames(vocoder.config), math.prod(vocoder.config.upsample_rates)
    for start, end in itertools.pairwise([0, *_ends(frames, first_frames, chunk_frames)]):
        first = max(0, start - reach)
        samples = vocoder(mel[:, first : end + reach])[0]
        # Transposed convolutions append a few samples at the very end; those belong to the clip's end only.
        stop = None if end == frames else (end - first) * hop
        yield samples[(start - first) * hop : stop].cpu().float()


@torch.no_grad()
def period(vocoder: Any, mel: torch.Tensor) -> torch.Tensor:
    """One period (frames × hop samples, float32, on the CPU) of a sound whose spectrogram (1, frames, bands) goes on at its
    beginning: the last sample is followed by the first as any other by its next."""
    if hasattr(vocoder, "period"):  # it finds phases by looking at everything, and must know that it is a circle
        around: torch.Tensor = vocoder.period(mel)[0].cpu().float()
        return around
    frames, hop = mel.shape[1], math.prod(vocoder.config.upsample_rates)
    reach = reach_frames(vocoder.config)
    places = torch.arange(-reach, frames + reach, device=mel.device) % frames
    whole = torch.cat(list(waveform(vocoder, mel[:, places])))
    return whole[reach * hop : (reach + frames) * hop]


def circular(mel: torch.Tensor, frames: int) -> torch.Tensor:
    """A spectrogram (1, 1, frames, bands) that is a circle, brought to so many frames."""
    if mel.shape[2] == frames:
        return mel
    wrapped = torch.cat([mel[:, :, -1:], mel, mel[:, :, :1]], dim=2)
    # Frame k of the new one lies at k / frames of the way around.
    places = torch.arange(frames, device=mel.device, dtype=torch.float32) * mel.shape[2] / frames + 1
    low = places.floor().long()
    return torch.lerp(wrapped[:, :, low], wrapped[:, :, low + 1], (places - low).to(mel.dtype)[None, None, :, None])
