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
from bridge.engine.runtime.network import Network

# Rows on each side that the VAE's convolutions see. At the ends of a loop they are taken from the other end.
VAE_REACH_ROWS = 16


class Decoder:
    """Decodes latents (1, channels, rows, width) of one take. `spectrogram`: the VAE's decoder, of latents that are divided by
    `scaling`."""

    def __init__(self, scaling: float, spectrogram: Network, vocoder: Any, geometry: Geometry) -> None:
        self.spectrogram, self.vocoder = spectrogram, vocoder
        self._scaling, self._geometry = scaling, geometry

    def pieces(self, latents: torch.Tensor, heard: Heard, needed: int, frames: int) -> Iterator[NDArray[np.float32]]:
        """The samples of one take, `frames` in all, in the vocoder's pieces. `needed`: the samples to decode, more than `frames`
        for a tone that is played faster to reach its note."""
        mel = self.mel(latents)
        if heard.fills and heard.usual_bpm is None:  # a rhythm would change its tempo
            mel = _fitted(mel, math.ceil(needed / self._geometry.hop))
        waveform = vocoding.waveform(self.vocoder, mel[:, 0], partials_hz=self._audible(heard, heard.model_hz))
        pieces: Iterator[NDArray[np.float32]] = (piece.numpy() for piece in waveform)
        if heard.target_hz:  # measured and tuned as a whole
            wave = np.concatenate(list(pieces))
            actual_hz = measure(wave, self._geometry.sample_rate, heard.model_hz, heard.partials)
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
        """The samples of one period of a loop; playing them in the requested time sets their rate, and the note, to the nearest
        whole number of cycles: 7 cents at most for C3 in a second."""
        rows = latents.shape[2]
        places = torch.arange(-VAE_REACH_ROWS, rows + VAE_REACH_ROWS, device=latents.device) % rows
        mel = self.mel(latents[:, :, places])
        scale = self._geometry.row_samples // self._geometry.hop
        mel = mel[:, :, VAE_REACH_ROWS * scale : (VAE_REACH_ROWS + rows) * scale]
        around = vocoding.circular(mel, self._geometry.frames_of_loop(seconds, heard))[:, 0]
        cycle_hz = self._geometry.sample_rate / (around.shape[1] * self._geometry.hop)
        pitch_hz = round(heard.target_hz * seconds) * cycle_hz
        partials_hz = tuple(round(hz / cycle_hz) * cycle_hz for hz in self._audible(heard, pitch_hz))
        period: NDArray[np.float32] = vocoding.period(self.vocoder, around, partials_hz).numpy()
        return period

    def _audible(self, heard: Heard, pitch_hz: float) -> tuple[float, ...]:
        """The partials of a tone below the highest frequency; none without a note."""
        return tuple(
            hz for multiple in heard.partials if 0 < (hz := multiple * pitch_hz) < self._geometry.sample_rate / 2
        )

    def mel(self, latents: torch.Tensor) -> torch.Tensor:
        """The spectrogram (1, 1, frames, bands) of latents (1, channels, rows, width)."""
        return self.spectrogram(latents / self._scaling)


def _fitted(mel: torch.Tensor, frames: int) -> torch.Tensor:
    """Stretch the spectrogram (1, 1, frames, bands) of a sound that fills its clip to a length. Rows of latents come in large
    units, and cutting a riser to length would remove its peak. The attack, three frames, is not stretched."""
    if frames <= 4 or frames == mel.shape[2]:
        return mel
    head, rest = mel[:, :, :3], mel[:, :, 3:]
    rest = F.interpolate(rest, size=(frames - 3, mel.shape[3]), mode="bilinear", align_corners=True)
    return torch.cat([head, rest], dim=2)
