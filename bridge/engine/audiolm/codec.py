"""MelCodec: a spectrogram as a few whole numbers per frame, and back.

A frame is 23 ms. Its tokens are the nearest entries of codebooks: the first book says the most, and each of the others corrects what is
left (residual vector quantisation, as in SoundStream, arXiv 2107.03312). The encoder is causal, so that the tokens at the end of a
clip do not depend on what would follow it. Looking tokens up needs no package; training them does.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

BLOCK = 4_096  # frames that are quantised at a time


@dataclass(frozen=True, slots=True)
class CodecConfig:
    """`bands` of the spectrogram, whose frames are `hop` samples; `stride` of them make one frame of tokens. `width` of the layers,
    `dimensions` of what is quantised, `books` of `codes` entries each."""

    sample_rate: int = 44_100
    hop: int = 256
    bands: int = 128
    stride: int = 4
    width: int = 192
    dimensions: int = 64
    books: int = 4
    codes: int = 512

    @property
    def frame_samples(self) -> int:
        """Samples of one frame of tokens."""
        return self.hop * self.stride


class Causal(nn.Module):
    """A convolution that sees nothing that comes later: (batch, channels, frames)."""

    def __init__(self, into: int, out: int, size: int, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(into, out, size, stride, dilation=dilation)
        self.before = (size - 1) * dilation + 1 - stride

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.convolution(F.pad(x, (self.before, 0), mode="replicate"))


class Residual(nn.Module):
    """Two convolutions around which the input goes on. `causal`: the first one sees nothing that comes later."""

    def __init__(self, width: int, dilation: int, causal: bool) -> None:
        super().__init__()
        self.first = (
            Causal(width, width, 3, dilation=dilation)
            if causal
            else nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)
        )
        self.second = nn.Conv1d(width, width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.second(F.silu(self.first(F.silu(x))))


class MelCodec(nn.Module):
    """Normalised log-mel (batch, frames × stride, bands) to and from tokens (batch, frames, books)."""

    codebooks: torch.Tensor

    def __init__(self, config: CodecConfig = CodecConfig()) -> None:
        super().__init__()
        self.config, width = config, config.width
        self.encoder = nn.Sequential(
            Causal(config.bands, width, 4, stride=2),
            Residual(width, 1, causal=True),
            Residual(width, 2, causal=True),
            Causal(width, width, 4, stride=config.stride // 2),
            Residual(width, 1, causal=True),
            Residual(width, 2, causal=True),
            Residual(width, 4, causal=True),
            nn.Conv1d(width, config.dimensions, 1),
        )
        # Three convolutions look ahead: by 1, 1 and 2 frames, the last halves by less than one.
        self.decoder = nn.Sequential(
            nn.Conv1d(config.dimensions, width, 3, padding=1),
            Residual(width, 1, causal=False),
            Residual(width, 2, causal=False),
            nn.Conv1d(width, width * config.stride // 2, 1),
        )
        self.finer = nn.Sequential(
            Residual(width, 1, causal=False),
            Residual(width, 1, causal=False),
            nn.Conv1d(width, 2 * config.bands, 3, padding=1),
        )
        self.register_buffer("codebooks", torch.zeros(config.books, config.codes, config.dimensions))

    def encode(self, mel: torch.Tensor) -> torch.Tensor:
        """What is quantised, (batch, frames, dimensions)."""
        encoded: torch.Tensor = self.encoder(mel.transpose(1, 2)).transpose(1, 2)
        return encoded

    def decode(self, encoded: torch.Tensor) -> torch.Tensor:
        """The spectrogram of what was encoded."""
        x = _unfolded(self.decoder(encoded.transpose(1, 2)), self.config.stride // 2)
        return _unfolded(self.finer(x), 2).transpose(1, 2)

    @torch.no_grad()
    def tokens(self, mel: torch.Tensor) -> torch.Tensor:
        """The tokens of a spectrogram, int64. Frames that are missing at its end are made like the last one."""
        missing = -mel.shape[1] % self.config.stride
        mel = torch.cat([mel, mel[:, -1:].expand(-1, missing, -1)], dim=1) if missing else mel
        left = self.encode(mel)
        parts = [self._nearest(part) for part in left.flatten(0, 1).split(BLOCK)]
        return torch.cat(parts).view(*left.shape[:2], self.config.books)

    def _nearest(self, left: torch.Tensor) -> torch.Tensor:
        found = []
        for book in self.codebooks:
            nearest = torch.cdist(left, book).argmin(-1)
            left = left - book[nearest]
            found.append(nearest)
        return torch.stack(found, -1)

    @torch.no_grad()
    def mel(self, tokens: torch.Tensor) -> torch.Tensor:
        """The spectrogram of tokens: of all books, or of the first ones."""
        used = tokens.shape[-1]
        encoded = torch.stack([self.codebooks[book][tokens[..., book]] for book in range(used)]).sum(0)
        return self.decode(encoded)


def _unfolded(x: torch.Tensor, times: int) -> torch.Tensor:
    """(batch, times × channels, frames) → (batch, channels, frames × times)."""
    batch, channels, frames = x.shape
    return x.view(batch, times, channels // times, frames).permute(0, 2, 3, 1).reshape(batch, -1, frames * times)
