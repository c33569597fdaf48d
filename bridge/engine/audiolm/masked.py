"""In any order: hidden tokens are filled in a few passes, the surest first, as in VampNet (arXiv 2307.04686)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch

from bridge.engine.audiolm.choosing import Sampling, both_ways, drawn, guided
from bridge.engine.audiolm.network import TokenNetwork

PASSES = 12
NOISE = 4.0  # of the order in which tokens are settled, at the first pass; it falls to none


def passes_of(books: int, passes: int) -> list[int]:
    """The passes for each book: half of them for the first, which says the most."""
    rest = max(1, passes // 2 // max(1, books - 1))
    return [max(1, passes - rest * (books - 1)), *[rest] * (books - 1)]


@torch.no_grad()
def fill(
    network: TokenNetwork,
    words: torch.Tensor,
    clock: torch.Tensor,
    tokens: torch.Tensor,
    keep: torch.Tensor,
    generators: Sequence[torch.Generator],
    sampling: Sampling,
    passes: int = PASSES,
    on_pass: Callable[[int, int], None] = lambda done, passes: None,
) -> torch.Tensor:
    """The tokens (batch, frames, books), those of which `keep` is false drawn again. `words`, `clock` (batch, CHANNELS, frames): see the
    network. `on_pass` is called as (done, passes)."""
    hidden = network.hidden
    tokens = torch.where(keep, tokens, hidden)
    ways = both_ways(words, sampling)
    clock = clock.repeat(2, 1, 1) if sampling.guided else clock
    plan = passes_of(network.config.books, passes)
    done = 0
    for book, count in enumerate(plan):
        for number in range(1, count + 1):
            done += 1
            if (tokens[..., book] == hidden).any():
                entered = tokens.repeat(2, 1, 1) if sampling.guided else tokens
                scores = guided(network(entered, ways, clock)[:, :, book], sampling)
                tokens[..., book] = _settled(tokens[..., book], scores, generators, sampling, number / count, hidden)
            on_pass(done, sum(plan))
    return tokens


def _settled(
    tokens: torch.Tensor,
    scores: torch.Tensor,
    generators: Sequence[torch.Generator],
    sampling: Sampling,
    progress: float,
    hidden: int,
) -> torch.Tensor:
    """The tokens (batch, frames) of a book after a pass: as many are settled as the cosine of the `progress` (0 to 1) asks for."""
    open_ = tokens == hidden
    candidates = drawn(scores, generators, sampling)
    sure = scores.log_softmax(-1).gather(-1, candidates[..., None])[..., 0]
    draws = torch.stack([torch.rand(tokens.shape[1:], generator=generator) for generator in generators])
    gumbel = -torch.log(-torch.log(draws.clamp(1e-9, 1 - 1e-7)))
    sure = (sure + NOISE * (1 - progress) * gumbel).masked_fill(~open_, -torch.inf)
    count = open_.sum(1)
    left = (count * math.cos(math.pi / 2 * progress)).floor() if progress < 1 else torch.zeros_like(count)
    take = torch.minimum((count - left).clamp(min=1), count)
    rank = sure.argsort(1, descending=True).argsort(1)
    return torch.where(open_ & (rank < take[:, None]), candidates, tokens)
