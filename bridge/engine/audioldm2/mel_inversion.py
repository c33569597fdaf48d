"""Mel bands to the power of each bin: the multiplicative update for the Kullback-Leibler divergence (Lee and Seung, NIPS 2000).

That divergence follows quiet bands as well as loud ones. Five of its steps come nearer than twenty for the squared error, to which
a band counts by its power alone. A step is stretched by OVERSHOOT, with which it converges faster, as it does below 2.
"""

from __future__ import annotations

import torch

OVERSHOOT = 1.25
# The triangles overlap only with their neighbours: nearly all of the matrix is zero. Its blocks of bins hold a fifth of it.
BLOCK_STARTS = (0, 128, 256, 512)
LEAST = 1e-10  # power that is not heard; the update cannot leave zero


class Inversion:
    """Inverts the filterbank `bands` (bands, bins)."""

    def __init__(self, bands: torch.Tensor) -> None:
        bins = bands.shape[1]
        per_bin, per_band = bands.sum(0), bands.sum(1)[:, None]
        first = bands / (per_bin + 1e-6) / per_band
        back = bands / per_bin.clamp(min=1e-6)
        self.device = bands.device
        self._blocks = []
        for start, end in zip(BLOCK_STARTS, (*BLOCK_STARTS[1:], bins), strict=True):
            if start >= bins:
                break
            of_bins = slice(start, min(end, bins))
            reached = bands[:, of_bins].sum(1).nonzero()[:, 0]
            of_bands = slice(int(reached[0]), int(reached[-1]) + 1)
            forth, *there = (matrix[of_bands, of_bins].contiguous() for matrix in (bands, back, first))
            self._blocks.append((of_bands, of_bins, forth.t().contiguous(), *there))

    def power(self, mel: torch.Tensor, steps: int, expected: torch.Tensor | None = None) -> torch.Tensor:
        """The power of each bin (frames, bins) after so many steps from the power of each band (frames, bands). `expected` (bins,):
        the shape that it begins with; smooth without."""
        parts = [mel[:, of_bands] @ first + LEAST for of_bands, _, _, _, first in self._blocks]
        if expected is not None:
            parts = [part * expected[of_bins] for part, (_, of_bins, *_) in zip(parts, self._blocks, strict=True)]
        for _ in range(steps):
            heard = torch.full_like(mel, 1e-14)
            for part, (of_bands, _, forth, _, _) in zip(parts, self._blocks, strict=True):
                heard[:, of_bands] += part @ forth
            ratio = (mel / heard) ** OVERSHOOT
            for part, (of_bands, _, _, back, _) in zip(parts, self._blocks, strict=True):
                part *= ratio[:, of_bands] @ back
        return torch.cat(parts, 1)
