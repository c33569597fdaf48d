"""Draw tokens from a network's scores: sharpened, from the likeliest ones, by each take's own random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class Sampling:
    """`guidance`: how far scores are moved away from those without words, 1 for not at all. `temperature`: lower is plainer. `likeliest`:
    of how many entries one is drawn."""

    guidance: float = 1.5
    temperature: float = 0.9
    likeliest: int = 60

    @property
    def guided(self) -> bool:
        """Whether the network also runs without the words."""
        return self.guidance != 1.0


def both_ways(words: torch.Tensor, sampling: Sampling) -> torch.Tensor:
    """The words (batch, words), and behind them as many rows that ask for nothing if the network is guided."""
    return torch.cat([words, torch.zeros_like(words)]) if sampling.guided else words


def guided(scores: torch.Tensor, sampling: Sampling) -> torch.Tensor:
    """The scores of a batch, of those for `both_ways`."""
    if not sampling.guided:
        return scores
    asked, unasked = scores.chunk(2)
    return unasked + sampling.guidance * (asked - unasked)


def drawn(scores: torch.Tensor, generators: Sequence[torch.Generator], sampling: Sampling) -> torch.Tensor:
    """One token for each of the scores (batch, …, codes). A take draws the same numbers alone and in a batch."""
    scores = scores.float() / sampling.temperature
    if sampling.likeliest < scores.shape[-1]:
        least = scores.topk(sampling.likeliest, -1).values[..., -1:]
        scores = scores.masked_fill(scores < least, -torch.inf)
    shares = scores.softmax(-1).cumsum(-1)
    shape = scores.shape[1:-1]
    places = torch.stack([torch.rand(shape, generator=generator) for generator in generators])[..., None]
    # Rounding may leave the last share below 1, and a place above it.
    tokens: torch.Tensor = torch.searchsorted(shares, places * shares[..., -1:], right=True)[..., 0]
    return tokens.clamp(max=scores.shape[-1] - 1)
