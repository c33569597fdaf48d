"""The UNet with its five inputs in a row, and which of them can share a CUDA graph.

The inputs: latents (batch, channels, rows, width), timestep, GPT-2 states, T5 states and their mask. Few shapes suffice:
rows come in the unit of the network, and T5 states are padded to a fixed width, which does not change the sound: padding
comes after encoding and is masked.
"""

from __future__ import annotations

from typing import Any

import torch

from bridge.engine.runtime.network import Inputs

# T5 states are padded to the first of these: 64 tokens are 40 words and those of a preset. Texts are cut at 512.
WIDTHS = (64, 256, 512)
# Rows of the whole batch up to which launching kernels takes longer than computing. The memory of the largest graph is
# never freed. 1,024 rows of AudioLDM 2 are two guided takes of 10.24 s.
MOST_ROWS = 1_024

Key = tuple[torch.Size, torch.Size, int, int, torch.dtype]


class Unet(torch.nn.Module):
    """The UNet as a Network."""

    def __init__(self, unet: Any) -> None:
        super().__init__()
        self.unet = unet

    def forward(
        self, latents: torch.Tensor, timestep: torch.Tensor, gpt2: torch.Tensor, t5: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        predicted: torch.Tensor = self.unet(
            latents,
            timestep.float(),
            encoder_hidden_states=gpt2,
            encoder_hidden_states_1=t5,
            encoder_attention_mask_1=mask,
            return_dict=False,
        )[0]
        return predicted


def with_rows(inputs: Inputs, rows: int) -> Inputs:
    """These inputs with silent latents of `rows` rows."""
    latents, *rest = inputs
    return latents.new_zeros(*latents.shape[:2], rows, latents.shape[3]), *rest


def key(inputs: Inputs) -> Key | None:
    """See Layout."""
    latents, timestep, gpt2, t5, mask = inputs
    if latents.shape[0] * latents.shape[2] > MOST_ROWS or t5.shape[1] > WIDTHS[-1]:
        return None
    # Some schedulers have whole timesteps; those of others must not be cut to whole numbers.
    return latents.shape, gpt2.shape, len(mask), _width(t5.shape[1]), timestep.dtype


def padded(inputs: Inputs) -> Inputs:
    """See Layout."""
    latents, timestep, gpt2, t5, mask = inputs
    width = _width(t5.shape[1])
    fixed = (
        torch.empty_like(latents, memory_format=torch.contiguous_format),
        torch.empty_like(timestep),
        torch.empty_like(gpt2, memory_format=torch.contiguous_format),
        t5.new_zeros(t5.shape[0], width, t5.shape[2]),
        mask.new_zeros(mask.shape[0], width),
    )
    fill(fixed, inputs)
    return fixed


def fill(fixed: Inputs, inputs: Inputs) -> None:
    """See Layout. The padding of T5 states is zeroed although the mask hides it: NaN would not stay hidden."""
    for target, source in zip(fixed[:3], inputs[:3], strict=True):
        target.copy_(source)
    for target, source in zip(fixed[3:], inputs[3:], strict=True):
        target[:, : source.shape[1]].copy_(source)
        target[:, source.shape[1] :].zero_()


def _width(tokens: int) -> int:
    return next(width for width in WIDTHS if tokens <= width)
