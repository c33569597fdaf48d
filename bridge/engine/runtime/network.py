"""The UNet as the denoising loop calls it, by whatever way it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

Network = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""(latents, timestep, GPT-2 states, T5 states, T5 mask) → predicted noise: the UNet, by whatever way it runs."""

Example = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]

AGREES_WITHIN = {torch.float32: 1e-4, torch.float16: 2e-2}  # of the largest value; equal in fact, where it was tried


class Eager(torch.nn.Module):
    """The UNet with its inputs in one row, as a Network."""

    def __init__(self, unet: Any) -> None:
        super().__init__()
        self.unet = unet

    def forward(
        self, latents: torch.Tensor, timestep: torch.Tensor, gpt2: torch.Tensor, t5: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        predicted: torch.Tensor = self.unet(
            latents,
            timestep,
            encoder_hidden_states=gpt2,
            encoder_hidden_states_1=t5,
            encoder_attention_mask_1=mask,
            return_dict=False,
        )[0]
        return predicted


@torch.no_grad()
def agrees(network: Network, example: Example, answer: torch.Tensor) -> bool:
    """Whether `network` gives for `example` what the UNet gave."""
    difference = (network(*example) - answer).abs().max()
    return bool(difference <= AGREES_WITHIN[answer.dtype] * answer.abs().max())
