"""The hierarchy of AudioLM (arXiv 2209.03143): semantic tokens first, then coarse ones, then fine ones.

Semantic tokens, one for four frames, are the nearest centres of what the codec encodes: they say what happens when, and little of how it
sounds. Each stage is a causal network over one flat sequence. Kept as a reference: it needs four steps where the delay pattern needs one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from bridge.engine.audiolm.choosing import Sampling, both_ways, drawn, guided
from bridge.engine.audiolm.codec import MelCodec
from bridge.engine.audiolm.network import Cache, TokenNetwork

EVERY = 4  # frames for each semantic token: 93 ms
CENTRES = 256
COARSE_BOOKS = 2
WINDOW = 24  # frames that the fine stage sees: 0.56 s


@dataclass(frozen=True, slots=True)
class Alphabet:
    """The places of all kinds of tokens in one alphabet: semantic ones, then those of each book."""

    books: int
    codes: int

    @property
    def size(self) -> int:
        """All of them."""
        return CENTRES + self.books * self.codes

    def span(self, book: int) -> tuple[int, int]:
        """The first of a book, and the first that is not of it. −1: semantic ones."""
        first = 0 if book < 0 else CENTRES + book * self.codes
        return first, first + (CENTRES if book < 0 else self.codes)

    def flat(self, tokens: torch.Tensor, books: range) -> torch.Tensor:
        """Some books of tokens (batch, frames, all books) as one sequence (batch, frames × books)."""
        firsts = torch.tensor([self.span(book)[0] for book in books])
        return (tokens[..., books.start : books.stop] + firsts).flatten(1)


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """`centres` (CENTRES, dimensions) of what the codec encodes, and a network for each stage, whose `books` is 1 and whose codes are
    those of the alphabet."""

    codec: MelCodec
    centres: torch.Tensor
    semantic: TokenNetwork
    coarse: TokenNetwork
    fine: TokenNetwork

    @property
    def alphabet(self) -> Alphabet:
        """Of all its tokens."""
        return Alphabet(self.codec.config.books, self.codec.config.codes)

    @torch.no_grad()
    def go_on(
        self,
        words: torch.Tensor,
        clock: torch.Tensor,
        frames: int,
        generators: Sequence[torch.Generator],
        sampling: Sampling,
        prime: torch.Tensor | None = None,
        on_step: Callable[[int, int], None] = lambda done, steps: None,
    ) -> torch.Tensor:
        """As `delay.go_on`: tokens (batch, frames, books), of which the first are those of `prime`. `clock` (batch, CHANNELS, frames)."""
        alphabet, batch = self.alphabet, len(words)
        given = torch.zeros(batch, 0, alphabet.books, dtype=torch.long) if prime is None else prime
        whole = math.ceil(frames / EVERY)
        steps = whole + frames * alphabet.books
        known = given[:, : given.shape[1] // EVERY * EVERY]
        meaning = semantic_tokens(self.codec, self.centres, known)
        times = semantic_clock(clock, frames)
        meaning = flat_on(
            self.semantic, words, times, meaning, whole, lambda place: alphabet.span(-1), generators, sampling
        )
        on_step(whole, steps)
        coarse = range(COARSE_BOOKS)
        both = torch.cat([times, clock.repeat_interleave(COARSE_BOOKS, 2)], 2)
        begin = torch.cat([meaning, alphabet.flat(given, coarse)], 1)
        made = flat_on(
            self.coarse, words, both, begin, whole + frames * COARSE_BOOKS,
            lambda place: alphabet.span((place - whole) % COARSE_BOOKS), generators, sampling,
        )[:, whole:]  # fmt: skip
        on_step(whole + frames * COARSE_BOOKS, steps)
        tokens = _unflat(alphabet, made, coarse)
        tokens = torch.cat([tokens, self._fine(words, clock, tokens, generators, sampling)], 2)
        tokens[:, : given.shape[1]] = given
        on_step(steps, steps)
        return tokens

    def _fine(
        self,
        words: torch.Tensor,
        clock: torch.Tensor,
        coarse: torch.Tensor,
        generators: Sequence[torch.Generator],
        sampling: Sampling,
    ) -> torch.Tensor:
        """The other books (batch, frames, books − COARSE_BOOKS), window by window."""
        alphabet, frames = self.alphabet, coarse.shape[1]
        books, parts = range(COARSE_BOOKS, alphabet.books), []
        for start in range(0, frames, WINDOW):
            part, when = coarse[:, start : start + WINDOW], clock[:, :, start : start + WINDOW]
            count = part.shape[1] * COARSE_BOOKS
            times = torch.cat([when.repeat_interleave(COARSE_BOOKS, 2), when.repeat_interleave(len(books), 2)], 2)
            made = flat_on(
                self.fine, words, times, alphabet.flat(part, range(COARSE_BOOKS)), count + part.shape[1] * len(books),
                lambda place, count=count: alphabet.span(books[(place - count) % len(books)]), generators, sampling,
            )[:, count:]  # fmt: skip
            parts.append(_unflat(alphabet, made, books))
        return torch.cat(parts, 1)


def _unflat(alphabet: Alphabet, flat: torch.Tensor, books: range) -> torch.Tensor:
    firsts = torch.tensor([alphabet.span(book)[0] for book in books])
    return flat.view(len(flat), -1, len(books)) - firsts


def semantic_tokens(codec: MelCodec, centres: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """The semantic tokens (batch, frames / EVERY) of tokens (batch, frames, books): of what the codec would decode."""
    batch, frames, books = tokens.shape
    encoded = torch.stack([codec.codebooks[book][tokens[..., book]] for book in range(books)]).sum(0)
    pooled = encoded.view(batch, frames // EVERY, EVERY, -1).mean(2)
    return torch.cdist(pooled.flatten(0, 1), centres).argmin(-1).view(batch, -1)


def semantic_clock(clock: torch.Tensor, frames: int) -> torch.Tensor:
    """The clock (batch, CHANNELS, …) of semantic tokens: that of the first of their frames."""
    return clock[:, :, :frames:EVERY]


@torch.no_grad()
def flat_on(
    network: TokenNetwork,
    words: torch.Tensor,
    clock: torch.Tensor,
    begin: torch.Tensor,
    count: int,
    span: Callable[[int], tuple[int, int]],
    generators: Sequence[torch.Generator],
    sampling: Sampling,
) -> torch.Tensor:
    """A flat sequence (batch, count) that begins with `begin`. `span`: of the alphabet, for each place."""
    ways = both_ways(words, sampling)
    twice = 2 if sampling.guided else 1
    asked, when = network.asked(ways), network.clock(clock.transpose(1, 2)).repeat(twice, 1, 1)
    cache = Cache(len(ways), count, network.config)

    def embedded(tokens: torch.Tensor) -> torch.Tensor:
        return network.embedded(tokens.repeat(twice, 1)[..., None]) + asked

    first = network.begin.expand(len(ways), 1, -1) + asked
    start = begin.shape[1]
    entered = torch.cat([first, embedded(begin)], 1) if start else first
    if start >= count:
        return begin[:, :count]
    scores = guided(network.scores(entered + when[:, : start + 1], cache)[:, -1, 0], sampling)
    made = [begin]
    for place in range(start, count):
        low, high = span(place)
        token = drawn(scores[:, low:high], generators, sampling)[:, None] + low
        made.append(token)
        if place + 1 < count:
            scores = guided(network.scores(embedded(token) + when[:, place + 1 : place + 2], cache)[:, -1, 0], sampling)
    return torch.cat(made, 1)
