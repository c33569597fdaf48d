"""Frame after frame: tokens in the delay pattern of MusicGen (arXiv 2306.05284), one step of the network a frame.

Book k of a frame is predicted k steps after its first book, so that each book knows those before it although all are drawn at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from bridge.engine.audiolm.choosing import Sampling, both_ways, drawn, guided
from bridge.engine.audiolm.network import Cache, TokenNetwork


def delayed(tokens: torch.Tensor, hidden: int) -> torch.Tensor:
    """Tokens (batch, frames, books) as steps (batch, frames + books − 1, books): book k begins k steps later."""
    batch, frames, books = tokens.shape
    steps = tokens.new_full((batch, frames + books - 1, books), hidden)
    for book in range(books):
        steps[:, book : book + frames, book] = tokens[..., book]
    return steps


def undelayed(steps: torch.Tensor) -> torch.Tensor:
    """The inverse of `delayed`."""
    books = steps.shape[-1]
    frames = steps.shape[1] - books + 1
    return torch.stack([steps[:, book : book + frames, book] for book in range(books)], -1)


@torch.no_grad()
def go_on(
    network: TokenNetwork,
    words: torch.Tensor,
    clock: torch.Tensor,
    frames: int,
    generators: Sequence[torch.Generator],
    sampling: Sampling,
    prime: torch.Tensor | None = None,
    on_frame: Callable[[int, int], None] = lambda done, frames: None,
) -> torch.Tensor:
    """`frames` frames (batch, frames, books), of which the first are those of `prime`. `words` (batch, words): see the network;
    `clock` (batch, CHANNELS, frames + books − 1). `on_frame` is called as (done, frames)."""
    books, hidden, batch = network.config.books, network.hidden, len(words)
    given = torch.zeros(batch, 0, books, dtype=torch.long) if prime is None else prime
    # The last books of the prime come while the first ones are new already: they are put in their places below.
    steps = delayed(given, hidden)[:, : given.shape[1]]
    total = frames + books - 1
    asked = network.asked(both_ways(words, sampling))
    when = network.clock(clock.transpose(1, 2)).repeat(2 if sampling.guided else 1, 1, 1)
    cache = Cache(len(asked), total, network.config)

    def embedded(part: torch.Tensor) -> torch.Tensor:
        return network.embedded(part.repeat(2, 1, 1) if sampling.guided else part) + asked

    first = network.begin.expand(len(asked), 1, -1) + asked
    count = given.shape[1]
    begin = torch.cat([first, embedded(steps)], 1) if count else first
    scores = guided(network.scores(begin + when[:, : count + 1], cache)[:, -1], sampling)
    made = [steps[:, step] for step in range(count)]
    for step in range(count, total):
        tokens = drawn(scores, generators, sampling)
        for book in range(books):
            frame = step - book
            if not 0 <= frame < frames:
                tokens[:, book] = hidden
            elif frame < count:
                tokens[:, book] = given[:, frame, book]
        made.append(tokens)
        on_frame(min(step + 1, frames), frames)
        if step + 1 < total:
            entered = embedded(tokens[:, None]) + when[:, step + 1 : step + 2]
            scores = guided(network.scores(entered, cache)[:, -1], sampling)
    return undelayed(torch.stack(made, 1))
