"""What the networks learn: to say the next frame, or what is hidden. The cross entropy of each book."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F

from bridge.engine.audiolm.delay import delayed
from bridge.engine.audiolm.network import TokenNetwork

IGNORED = -100


def causal_losses(
    network: TokenNetwork, tokens: torch.Tensor, words: torch.Tensor, clock: torch.Tensor
) -> torch.Tensor:
    """The cross entropy of each book, (books,). `tokens` (batch, frames, books), `clock` of frames + books − 1."""
    frames, books = tokens.shape[1:]
    scores = network(delayed(tokens, network.hidden), words, clock)
    return torch.stack(
        [
            F.cross_entropy(scores[:, book : book + frames, book].flatten(0, 1).float(), tokens[..., book].flatten())
            for book in range(books)
        ]
    )


def hidden_parts(rng: np.random.Generator, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """What is hidden of each clip, (batch, frames, books), and the book that is learned, (batch,). All books above it are hidden, and a
    share of its own; what is kept in all books is a beginning, both ends or single frames, as the uses of the network have it."""
    batch, frames, books = tokens.shape
    book = rng.integers(0, books, batch)
    share = np.cos(rng.random(batch) * math.pi / 2)
    number = np.arange(books)
    hidden = (number == book[:, None, None]) & (rng.random((batch, frames, books)) < share[:, None, None])
    hidden |= number > book[:, None, None]
    for clip in range(batch):
        way = rng.random()
        if way < 0.3:
            hidden[clip, : rng.integers(1, max(2, frames - 4))] = False
        elif way < 0.45:
            hidden[clip, : rng.integers(1, max(2, frames // 2))] = False
            hidden[clip, frames - rng.integers(1, max(2, frames // 2)) :] = False
        elif way < 0.6:
            hidden[clip, :: rng.choice([2, 3, 4, 6, 8, 12])] = False
    return torch.from_numpy(hidden), torch.from_numpy(book)


def masked_losses(
    rng: np.random.Generator, network: TokenNetwork, tokens: torch.Tensor, words: torch.Tensor, clock: torch.Tensor
) -> torch.Tensor:
    """The cross entropy of each book, (books,), of hidden tokens; 0 of a book that no clip of the batch learns."""
    hidden, book = hidden_parts(rng, tokens)
    scores = network(torch.where(hidden, network.hidden, tokens), words, clock)
    learned = hidden & (torch.arange(tokens.shape[-1]) == book[:, None, None])
    losses = []
    for number in range(tokens.shape[-1]):
        wanted = torch.where(learned[..., number], tokens[..., number], IGNORED)
        sum_ = F.cross_entropy(
            scores[:, :, number].flatten(0, 1).float(), wanted.flatten(), reduction="sum", ignore_index=IGNORED
        )
        losses.append(sum_ / learned.sum().clamp(min=1))
    return torch.stack(losses)
