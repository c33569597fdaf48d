"""Windows over latents, so that a long clip is encoded and decoded in pieces: the first comes soon, and memory does not grow with the
length."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch

PIECE_S = 4.0  # seconds of a piece; the first has FIRST_S, so that it is heard soon
FIRST_S = 1.0


class Window(NamedTuple):
    """The latents `first` to `last` are wanted; `begin` to `end` must be known for them."""

    first: int
    last: int
    begin: int
    end: int


def windows(count: int, per_second: float, reach: int) -> Iterator[Window]:
    """Windows over `count` latents, of which there are `per_second`, each with `reach` more on both sides where there are any."""
    first, size = 0, max(1, round(FIRST_S * per_second))
    while first < count:
        last = min(count, first + size)
        yield Window(first, last, max(0, first - reach), min(count, last + reach))
        first, size = last, max(1, round(PIECE_S * per_second))


@dataclass(frozen=True, slots=True)
class Windowed:
    """An autoencoder in windows. `encode` and `decode` are those of a whole clip, between (batch, channels, samples) and (batch, width,
    length); `hop`: samples of a latent; `rate` in Hz; `reach`: the latents on each side by which one is influenced, at most. With
    these on both sides, the result is that of the whole."""

    encode: Callable[[torch.Tensor], torch.Tensor]
    decode: Callable[[torch.Tensor], torch.Tensor]
    hop: int
    rate: int
    reach: int

    def encoded(self, audio: torch.Tensor) -> torch.Tensor:
        """The latents of a clip."""
        hop, parts = self.hop, []
        for window in windows(-(-audio.shape[-1] // hop), self.rate / hop, self.reach):
            latents = self.encode(audio[..., window.begin * hop : window.end * hop])
            parts.append(latents[..., window.first - window.begin : window.last - window.begin])
        return torch.cat(parts, dim=-1)

    def decoded(self, latents: torch.Tensor) -> Iterator[torch.Tensor]:
        """The samples of a clip, piece by piece."""
        hop = self.hop
        for window in windows(latents.shape[-1], self.rate / hop, self.reach):
            samples = self.decode(latents[..., window.begin : window.end])
            yield samples[..., (window.first - window.begin) * hop : (window.last - window.begin) * hop]
