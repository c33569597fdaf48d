"""Adapters: small changes to the layers of a network that can be learned, exchanged and switched off. The layers stay as they are.

E. J. Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022. peft does the same, and as diffusers has no mixin of
peft for the UNet of AudioLDM 2, what is left of it to use is shorter than the calls.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

RANK = 8
# Where latents, the clock and the timestep enter, and where the prediction leaves: what every sound shares.
LEFT_AS_THEY_ARE = frozenset(("conv_in", "conv_out", "time_embedding"))
DOWN, UP = "lora_A.weight", "lora_B.weight"

Tensors = Mapping[str, torch.Tensor]


class Adapters:
    """Adapters of the linear layers and convolutions of a network. `tensors`: by the names of diffusers' LoRA files, such as
    `mid_block.resnets.0.conv1.lora_A.weight`; they change nothing at first. `current`: those that the network runs with; None: it runs as
    if there were none."""

    def __init__(self, network: nn.Module, rank: int = RANK, seed: int = 0) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.rank = rank
        self.tensors: dict[str, nn.Parameter] = {}
        network.requires_grad_(False)
        for name, layer in network.named_modules():
            if _is_adapted(name, layer):
                assert isinstance(layer, nn.Linear | nn.Conv2d)
                down, up = _sizes(layer, rank)
                self.tensors[f"{name}.{DOWN}"] = nn.Parameter(torch.randn(down, generator=generator) / rank)
                self.tensors[f"{name}.{UP}"] = nn.Parameter(torch.zeros(up))
                layer.register_forward_hook(self._hook(name))
        self.current: Tensors | None = self.tensors

    @contextlib.contextmanager
    def using(self, tensors: Tensors | None) -> Iterator[None]:
        """Let the network run with other tensors, or with None, in the block."""
        before, self.current = self.current, tensors
        try:
            yield
        finally:
            self.current = before

    def _hook(self, name: str) -> Any:
        def changed(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor | None:
            if self.current is None:
                return None
            down, up = self.current[f"{name}.{DOWN}"], self.current[f"{name}.{UP}"]
            if isinstance(layer, nn.Conv2d):
                few = F.conv2d(inputs[0], down, None, layer.stride, layer.padding, layer.dilation)
                return output + F.conv2d(few, up)
            return output + F.linear(F.linear(inputs[0], down), up)

        return changed


def _is_adapted(name: str, layer: nn.Module) -> bool:
    if name.split(".")[0] in LEFT_AS_THEY_ARE:
        return False
    return isinstance(layer, nn.Linear) or (isinstance(layer, nn.Conv2d) and layer.groups == 1)


def _sizes(layer: nn.Linear | nn.Conv2d, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The sizes of both tensors of a layer."""
    if isinstance(layer, nn.Conv2d):
        return (rank, layer.in_channels, *layer.kernel_size), (layer.out_channels, rank, 1, 1)
    return (rank, layer.in_features), (layer.out_features, rank)
