"""The spectrogram with which the published AudioLDM 2 checkpoints were trained: 16 kHz, 64 bands. diffusers has only the way back.

Settings as in haoheliu/AudioLDM2, `audioldm2/utils.py` (get_basic_config) and `utilities/audio/stft.py`: magnitude (not power) of an
STFT with a periodic Hann window of 1024 and reflection at both ends, Slaney's mel scale with triangles of equal area, natural logarithm.
"""

from __future__ import annotations

import functools
import math

import torch

SAMPLE_RATE, WINDOW, HOP, BANDS = 16_000, 1_024, 160, 64
LOWEST_HZ, HIGHEST_HZ = 0.0, 8_000.0
FLOOR = 1e-5  # magnitude; quieter is silence
# Slaney's scale (Auditory Toolbox, 1998): linear up to 1 kHz at 15 mels, then 27 mels for each factor of 6.4.
LINEAR_HZ, BEND_MEL, BEND_HZ, LOG_STEP = 200 / 3, 15.0, 1_000.0, math.log(6.4) / 27


@torch.no_grad()
def mel(waves: torch.Tensor) -> torch.Tensor:
    """Waveforms (batch, samples) at 16 kHz, at least half a window long → log-mel (batch, samples / HOP, BANDS)."""
    shape = torch.hann_window(WINDOW, device=waves.device)
    spectrum = torch.stft(waves, WINDOW, HOP, WINDOW, shape, center=True, pad_mode="reflect", return_complex=True).abs()
    bands = torch.matmul(filterbank().to(waves.device), spectrum).clamp(min=FLOOR).log()
    return bands.transpose(1, 2)[:, : waves.shape[1] // HOP]


@functools.cache
def filterbank() -> torch.Tensor:
    """Triangles of area 1 in hertz, of shape (BANDS, WINDOW / 2 + 1)."""
    bins = torch.linspace(0, SAMPLE_RATE / 2, WINDOW // 2 + 1, dtype=torch.float64)
    edges = _hz(torch.linspace(_mels(LOWEST_HZ), _mels(HIGHEST_HZ), BANDS + 2, dtype=torch.float64))
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    triangles = torch.minimum((bins - low) / (centre - low), (high - bins) / (high - centre)).clamp(min=0)
    return (triangles * 2 / (high - low)).float()


def _mels(hz: float) -> float:
    return hz / LINEAR_HZ if hz < BEND_HZ else BEND_MEL + math.log(hz / BEND_HZ) / LOG_STEP


def _hz(mels: torch.Tensor) -> torch.Tensor:
    return torch.where(mels < BEND_MEL, mels * LINEAR_HZ, BEND_HZ * torch.exp((mels - BEND_MEL) * LOG_STEP))
