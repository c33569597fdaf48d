"""Spectrogram to waveform, piece by piece where that is exact: a long clip then needs the memory of a short one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from bridge.engine.audioldm2.known import Known

FIRST_FRAMES = 100  # a second at AudioLDM 2's 10 ms a frame: playing can begin before the rest is decoded
CHUNK_FRAMES = 1_024


def reach_frames(config: Any) -> int:
    """The frames on each side on which a sample of HiFi-GAN depends, from its layers: 26 for AudioLDM 2's, whose measured reach
    is 23."""
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
    """The ends of the chunks. Each is decoded while the one before it plays, so each may be twice as long."""
    end, size = 0, first
    while end < frames:
        end, size = min(frames, end + size), min(most, 2 * size)
        yield end


@torch.no_grad()
def waveform(
    vocoder: Any,
    mel: torch.Tensor,
    chunk_frames: int = CHUNK_FRAMES,
    first_frames: int = FIRST_FRAMES,
    partials_hz: Sequence[float] = (),
    known: Known | None = None,
) -> Iterator[torch.Tensor]:
    """The waveform of a spectrogram (1, frames, bands) as float32 pieces on the CPU, (samples,) each.

    HiFi-GAN gets each chunk with the frames on which it depends on each side, so the joined pieces equal the whole. The
    starter's vocoder, which finds phases from the whole, gets everything at once, and the partials of a tone, and samples that are
    `known`.
    """
    frames = mel.shape[1]
    if not hasattr(vocoder.config, "resblock_kernel_sizes"):
        yield vocoder(mel, partials_hz, known)[0].cpu().float()
        return
    if frames <= first_frames:
        yield vocoder(mel)[0].cpu().float()
        return
    reach, hop = reach_frames(vocoder.config), math.prod(vocoder.config.upsample_rates)
    for start, end in itertools.pairwise([0, *_ends(frames, first_frames, chunk_frames)]):
        first = max(0, start - reach)
        samples = vocoder(mel[:, first : end + reach])[0]
        # Transposed convolutions append a few samples at the end, which only the end of the clip needs.
        stop = None if end == frames else (end - first) * hop
        yield samples[(start - first) * hop : stop].cpu().float()


@torch.no_grad()
def period(vocoder: Any, mel: torch.Tensor, partials_hz: Sequence[float] = ()) -> torch.Tensor:
    """One period (frames × hop samples, float32, on the CPU) of a periodic sound with the spectrogram (1, frames, bands): the
    last sample continues at the first without a seam. Each of `partials_hz` makes whole cycles in it."""
    if hasattr(vocoder, "period"):  # the starter's vocoder has its own way
        around: torch.Tensor = vocoder.period(mel, partials_hz)[0].cpu().float()
        return around
    frames, hop = mel.shape[1], math.prod(vocoder.config.upsample_rates)
    reach = reach_frames(vocoder.config)
    places = torch.arange(-reach, frames + reach, device=mel.device) % frames
    whole = torch.cat(list(waveform(vocoder, mel[:, places])))
    return whole[reach * hop : (reach + frames) * hop]


def circular(mel: torch.Tensor, frames: int) -> torch.Tensor:
    """Resample a periodic spectrogram (1, 1, frames, bands) to `frames`."""
    if mel.shape[2] == frames:
        return mel
    wrapped = torch.cat([mel[:, :, -1:], mel, mel[:, :, :1]], dim=2)
    # Frame k of the result lies at k / frames of the period.
    places = torch.arange(frames, device=mel.device, dtype=torch.float32) * mel.shape[2] / frames + 1
    low = places.floor().long()
    return torch.lerp(wrapped[:, :, low], wrapped[:, :, low + 1], (places - low).to(mel.dtype)[None, None, :, None])
