"""Weights that depend on everything: the libraries' first weights leave branches at zero, so that tests would compare nothing."""

from __future__ import annotations

import torch

SCALES = ("scale", "gate", "alpha", "gamma")


def redrawn(network: torch.nn.Module) -> torch.nn.Module:
    """The network with new weights, in place: normal with fan-in scaling; scales are 1, and biases stay."""
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if weight.ndim >= 2:
                weight.normal_(0, weight[0].numel() ** -0.5)
            elif any(word in name.rpartition(".")[2] for word in SCALES):
                weight.fill_(1.0)
    return network
