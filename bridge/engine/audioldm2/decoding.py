"""From latents to samples: the VAE, the vocoder, and the requested length and note."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from bridge.engine.audioldm2 import vocoding
from bridge.engine.audioldm2.geometry import Geometry
from bridge.engine.audioldm2.hearing import Heard
from bridge.engine.audioldm2.retune import measure, retune

# Rows on each side that the VAE's convolutions see. At the ends of a loop they are taken from the other end.
VAE_REACH_ROWS = 16


class Decoder:
    """Decodes latents (1, channels, rows, width) of one take with a pipeline's VAE and vocoder."""

    def __init__(self, pipe: Any, geometry: Geometry) -> None:
        self._pipe, self._geometry = pipe, geometry

    def pieces(self, latents: torch.Tensor, heard: Heard, needed: int, frames: int) -> Iterator[NDArray[np.float32]]:
        """The samples of one take, `frames` in all, in the vocoder's pieces. `needed`: the samples to decode, more than `frames`
        for a tone that is played faster to reach its note."""
        mel = self._mel(latents)
        if heard.fills:
            mel = _fitted(mel, math.ceil(needed / self._geometry.hop))
        waveform = vocoding.waveform(self._pipe.vocoder, mel[:, 0])
        pieces: Iterator[NDArray[np.float32]] = (piece.numpy() for piece in waveform)
        if heard.target_hz:  # measured and tuned as a whole
            wave = np.concatenate(list(pieces))
            actual_hz = measure(wave, self._geometry.sample_rate, heard.model_hz)
            pieces = iter([retune(wave, self._geometry.sample_rate, actual_hz, heard.target_hz)])
        missing = frames
        for piece in pieces:
            if len(piece) >= missing:
                yield piece[:missing]
                return
            missing -= len(piece)
            yield piece
        yield np.zeros(missing, np.float32)

    def period(self, latents: torch.Tensor, seconds: float, heard: Heard) -> NDArray[np.float32]:
        """The samples of one period of a loop; playing them in the requested time sets their rate."""
        rows = latents.shape[2]
        places = torch.arange(-VAE_REACH_ROWS, rows + VAE_REACH_ROWS, device=latents.device) % rows
        mel = self._mel(latents[:, :, places])
        scale = self._pipe.vae_scale_factor
        mel = mel[:, :, VAE_REACH_ROWS * scale : (VAE_REACH_ROWS + rows) * scale]
        around = vocoding.circular(mel, self._geometry.frames_of_loop(seconds, heard))[:, 0]
        period: NDArray[np.float32] = vocoding.period(self._pipe.vocoder, around).numpy()
        return period

    def _mel(self, latents: torch.Tensor) -> torch.Tensor:
        """The spectrogram (1, 1, frames, bands)."""
        mel: torch.Tensor = self._pipe.vae.decode(latents / self._pipe.vae.config.scaling_factor).sample
        return mel


def _fitted(mel: torch.Tensor, frames: int) -> torch.Tensor:
    """Stretch the spectrogram (1, 1, frames, bands) of a sound that fills its clip to a length. Rows of latents come in large
    units, and cutting a riser to length would remove its peak. The attack, three frames, is not stretched."""
    if frames <= 4 or frames == mel.shape[2]:
        return mel
    head, rest = mel[:, :, :3], mel[:, :, 3:]
    rest = F.interpolate(rest, size=(frames - 3, mel.shape[3]), mode="bilinear", align_corners=True)
    return torch.cat([head, rest], dim=2)
