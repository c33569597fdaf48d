"""TokenNetwork: the transformer over a codec's tokens, causal or not.

RoPE (arXiv 2104.09864), RMSNorm, SwiGLU and PyTorch's own attention. What is asked for in words, and where each frame lies in the bar,
is added to every frame: a network as small as this one does not heed what stands only before the first.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from bridge.engine.beat_clock import CHANNELS

BASE = 10_000.0  # of the rotations

Rotation = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """`words` that it knows, `books` of `codes` entries each, `width` and `depth`, `heads` of the attention. `causal`: each frame sees
    only those before it."""

    words: int
    causal: bool
    books: int = 4
    codes: int = 512
    width: int = 160
    depth: int = 5
    heads: int = 4


class Cache:
    """Keys and values of the frames so far, (batch, heads, frames, size) in each layer."""

    def __init__(self, batch: int, frames: int, config: NetworkConfig) -> None:
        shape = batch, config.heads, frames, config.width // config.heads
        self.layers = [(torch.zeros(shape), torch.zeros(shape)) for _ in range(config.depth)]
        self.frames = 0


class Block(nn.Module):
    """Attention, and a layer for each frame alone."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        width = config.width
        self.heads, inner = config.heads, int(width * 8 / 3) // 32 * 32
        self.before_attention, self.before_inner = nn.RMSNorm(width), nn.RMSNorm(width)
        self.projection = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.up, self.down = nn.Linear(width, 2 * inner, bias=False), nn.Linear(inner, width, bias=False)

    def forward(
        self, x: torch.Tensor, rotation: Rotation, causal: bool, cached: Rotation | None = None, at: int = 0
    ) -> torch.Tensor:
        batch, frames, width = x.shape
        parts = self.projection(self.before_attention(x)).view(batch, frames, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        query, key = _turned(query, rotation), _turned(key, rotation)
        if cached is not None:
            keys, values = cached
            keys[:, :, at : at + frames], values[:, :, at : at + frames] = key, value
            key, value = keys[:, :, : at + frames], values[:, :, : at + frames]
            causal = frames > 1  # a cache is filled from its beginning on, or frame by frame
        attended = F.scaled_dot_product_attention(query, key, value, is_causal=causal)
        x = x + self.out(attended.transpose(1, 2).reshape(batch, frames, width))
        into, gate = self.up(self.before_inner(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * into)


class TokenNetwork(nn.Module):
    """Tokens (batch, frames, books) → scores (batch, frames, books, codes). The entry `codes` of a book means that its token is hidden.

    A causal network predicts each frame from those before it, one that is not causal from all that are not hidden.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config, width = config, config.width
        self.entries = nn.ModuleList(nn.Embedding(config.codes + 1, width) for _ in range(config.books))
        self.words = nn.Embedding(config.words, width)
        self.unasked = nn.Parameter(torch.zeros(width))  # instead of words, for guidance
        self.begin = nn.Parameter(torch.zeros(width))
        self.clock = nn.Linear(CHANNELS, width, bias=False)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.norm = nn.RMSNorm(width)
        self.head = nn.Linear(width, config.books * config.codes, bias=False)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=0.02)
        nn.init.zeros_(self.clock.weight)

    @property
    def hidden(self) -> int:
        """The token of what is hidden, or not there yet."""
        return self.config.codes

    def asked(self, words: torch.Tensor) -> torch.Tensor:
        """What is added to every frame, (batch, 1, width), of the share of each word (batch, words); a row of zeros asks for nothing."""
        asked = words @ self.words.weight
        return torch.where(words.any(1, keepdim=True), asked, self.unasked)[:, None]

    def embedded(self, tokens: torch.Tensor) -> torch.Tensor:
        """The sum of the entries of each frame, (batch, frames, width)."""
        return torch.stack([entry(tokens[..., book]) for book, entry in enumerate(self.entries)]).sum(0)

    def forward(self, tokens: torch.Tensor, words: torch.Tensor, clock: torch.Tensor) -> torch.Tensor:
        """Scores of every frame. `words`: see `asked`; `clock` (batch, CHANNELS, frames): of the frames that are predicted."""
        asked, when = self.asked(words), self.clock(clock.transpose(1, 2))
        first = self.begin.expand(len(tokens), 1, -1) + asked
        frames = self.embedded(tokens) + asked
        if self.config.causal:
            return self.scores(torch.cat([first, frames[:, :-1]], 1) + when)
        return self.scores(torch.cat([first, frames + when], 1))[:, 1:]

    def scores(self, x: torch.Tensor, cache: Cache | None = None) -> torch.Tensor:
        """Scores of embedded frames. With a cache, they come after those that it holds."""
        at = 0 if cache is None else cache.frames
        rotation = rotations(at, x.shape[1], self.config.width // self.config.heads)
        for layer, block in enumerate(self.blocks):
            x = block(x, rotation, self.config.causal, None if cache is None else cache.layers[layer], at)
        if cache is not None:
            cache.frames += x.shape[1]
        scores: torch.Tensor = self.head(self.norm(x))
        return scores.view(*x.shape[:2], self.config.books, self.config.codes)


def rotations(first: int, count: int, size: int) -> Rotation:
    """Cosine and sine (count, size / 2) of the angles by which queries and keys of frames are turned."""
    speeds = BASE ** (-torch.arange(0, size, 2).float() / size)
    angles = torch.arange(first, first + count).float()[:, None] * speeds
    return angles.cos(), angles.sin()


def _turned(x: torch.Tensor, rotation: Rotation) -> torch.Tensor:
    cosine, sine = rotation
    even, odd = x[..., ::2], x[..., 1::2]
    return torch.stack([even * cosine - odd * sine, even * sine + odd * cosine], -1).flatten(-2)
