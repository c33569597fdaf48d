"""A network as the rest of the engine calls it, however it runs."""

from __future__ import annotations

from collections.abc import Callable

import torch

Inputs = tuple[torch.Tensor, ...]
Network = Callable[..., torch.Tensor]
"""Takes its inputs in a fixed order and returns its prediction."""

AGREES_WITHIN = {torch.float32: 1e-4, torch.float16: 2e-2}  # relative to the largest value; in practice they are equal


@torch.no_grad()
def agrees(network: Network, inputs: Inputs, expected: torch.Tensor) -> bool:
    """Whether `network` returns `expected` for `inputs`."""
    difference = (network(*inputs) - expected).abs().max()
    return bool(difference <= AGREES_WITHIN[expected.dtype] * expected.abs().max())
