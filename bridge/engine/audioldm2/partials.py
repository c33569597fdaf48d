"""The partials of a tone in a short-time spectrum: where its energy lies, and how its phases advance.

The bands of the starter's spectrogram are 60 to 120 cents wide. A vocoder that knows nothing else puts each partial somewhere
in its band, up to 50 cents from its place and each elsewhere, so that no retuning of the whole brings the tone in tune.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

LOBE_BINS = 2.0  # half the main lobe of a Hann window
BETWEEN = 0.01  # expected power between the partials, relative to theirs: breath, bow, hammer, the notes of a chord


def power(partials_hz: Sequence[float], bins: int, bin_hz: float) -> torch.Tensor:
    """The expected power of each bin, (bins,) float32: 1 at a partial, BETWEEN far from all of them."""
    away = _nearest(partials_hz, bins, bin_hz)[0].clamp(max=LOBE_BINS)
    # The transform of a Hann window is sinc(x) / (1 - x²) at a distance of x bins, which is 1/2 at x = 1.
    at_one = (away - 1).abs() < 1e-4
    lobe = torch.where(at_one, 0.5, torch.sinc(away) / (1 - away**2).where(~at_one, torch.ones(())))
    return (lobe**2 + BETWEEN).float()


def phases(partials_hz: Sequence[float], others: torch.Tensor, bin_hz: float, frame_s: float) -> torch.Tensor:
    """Phases in radians of shape (frames, bins): those of steady partials, and `others` of that shape between them. `frame_s`:
    seconds from frame to frame. As in torch.stft, a window begins half its length before the time of its frame."""
    frames, bins = others.shape
    away, nearest = _nearest(partials_hz, bins, bin_hz)
    hz = torch.tensor(partials_hz, dtype=torch.float64)[nearest]
    start = others[0, (hz / bin_hz).round().long().clamp(max=bins - 1)]  # one for all bins of a partial
    turns = hz * frame_s * torch.arange(frames, dtype=torch.float64)[:, None] + 0.5 * (torch.arange(bins) % 2)
    return torch.where(away < LOBE_BINS, start + 2 * math.pi * (turns % 1), others.double()).float()


def turns(partials_hz: Sequence[float], bins: int, bin_hz: float, frame_s: float) -> tuple[torch.Tensor, torch.Tensor]:
    """By how many radians the phase of each bin turns from frame to frame, and whether the bin belongs to a partial: both
    (bins,)."""
    away, nearest = _nearest(partials_hz, bins, bin_hz)
    cycles = torch.tensor(partials_hz, dtype=torch.float64)[nearest] * frame_s
    return (2 * math.pi * (cycles % 1)).float(), away < LOBE_BINS


def _nearest(partials_hz: Sequence[float], bins: int, bin_hz: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The distance of each bin from the nearest partial, in bins, and the index of that partial."""
    places = torch.tensor(partials_hz, dtype=torch.float64) / bin_hz
    away, nearest = (torch.arange(bins)[:, None] - places).abs().min(1)
    return away, nearest
