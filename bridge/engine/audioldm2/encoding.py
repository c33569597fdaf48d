"""From samples to latents: the way of the decoder, backwards."""

from __future__ import annotations

from typing import Any

import numpy as np
import soxr
import torch
from numpy.typing import NDArray

from bridge.audio.beats import mono
from bridge.engine.audioldm2 import mel_16k, vocoding
from bridge.engine.audioldm2.decoding import VAE_REACH_ROWS
from bridge.engine.audioldm2.geometry import Geometry

Wave = NDArray[np.float32]

# The peak of the sounds with which a checkpoint was trained: the starter's (bridge/starter/catalogue.py), and those of published ones
# (haoheliu/AudioLDM2, utilities/data/dataset.py), whose mean was removed too.
STARTER_PEAK, PUBLISHED_PEAK = 0.89, 0.5
BATCH_ROWS = 256  # encoded at once


class Encoder:
    """Encodes sounds with a pipeline's VAE. `peak`: each sound is brought to this peak, at which the checkpoint was trained; `gain`
    tells by how much, and the caller undoes it after decoding."""

    def __init__(self, pipe: Any, geometry: Geometry) -> None:
        self._pipe, self._geometry = pipe, geometry
        self._own_mel = hasattr(pipe.vocoder, "mel")  # the starter's vocoder works in both directions
        self.peak = STARTER_PEAK if self._own_mel else PUBLISHED_PEAK

    def gain(self, wave: Wave) -> float:
        """The factor that brings a wave to `peak`; 1 for silence."""
        loudest = float(np.abs(self._centred(wave)).max(initial=0.0))
        return self.peak / loudest if loudest > 1e-6 else 1.0

    def latents(self, waves: Wave, rows: int) -> torch.Tensor:
        """The latents (n, channels, rows, width) of waves (n, samples), or of one (samples,), at the checkpoint's rate, each at its
        best level, with silence behind them or cut at the last row."""
        lead_in = self._geometry.lead_in
        room = rows * self._geometry.row_samples - lead_in
        levelled = np.stack([self._levelled(wave)[:room] for wave in np.atleast_2d(waves)])
        padded = np.pad(levelled, ((0, 0), (lead_in, room - levelled.shape[1])))
        group = max(1, BATCH_ROWS // rows)
        return torch.cat([self.encoded(self.mel(padded[at : at + group])) for at in range(0, len(padded), group)])

    def circular(self, wave: Wave, frames: int, rows: int) -> torch.Tensor:
        """The latents (1, channels, rows, width) of one period (samples,) of a loop, of which Decoder.period makes `frames` frames:
        what is at one end is also beyond the other."""
        samples, lead_in = frames * self._geometry.hop, self._geometry.lead_in
        # Played in the time of whole frames, as Decoder.period returns it.
        period = np.roll(resampled(self._levelled(wave), len(wave), samples, circular=True), lead_in)
        reach = VAE_REACH_ROWS * self._geometry.row_samples  # a whole number of frames, longer than a window
        mel = self.mel(period[np.arange(-reach, samples + reach) % samples][None])
        first = reach // self._geometry.hop
        mel = vocoding.circular(mel[:, :, first : first + frames], rows * self._pipe.vae_scale_factor)
        scale = self._pipe.vae_scale_factor
        places = torch.arange(-VAE_REACH_ROWS * scale, (rows + VAE_REACH_ROWS) * scale, device=mel.device)
        around = mel[:, :, places % mel.shape[2]]
        return self.encoded(around)[:, :, VAE_REACH_ROWS : VAE_REACH_ROWS + rows]

    def _centred(self, wave: Wave) -> Wave:
        return wave if self._own_mel or not wave.size else wave - wave.mean()

    def _levelled(self, wave: Wave) -> Wave:
        levelled: Wave = self._centred(wave) * np.float32(self.gain(wave))
        return levelled

    def mel(self, waves: Wave) -> torch.Tensor:
        """The spectrogram (n, 1, frames, bands)."""
        device = self._pipe.vae.device
        # MPS lacks some complex operations.
        sounds = torch.from_numpy(np.ascontiguousarray(waves)).to("cpu" if device.type == "mps" else device)
        mel = self._pipe.vocoder.mel(sounds) if self._own_mel else mel_16k.mel(sounds)
        return mel[:, None].to(device, self._pipe.vae.dtype)

    @torch.no_grad()
    def encoded(self, mel: torch.Tensor) -> torch.Tensor:
        latents: torch.Tensor = self._pipe.vae.encode(mel).latent_dist.mode() * self._pipe.vae.config.scaling_factor
        return latents


def sound(samples: Wave, rate: int, to_rate: int, circular: bool = False) -> Wave:
    """Samples (frames, channels) at `rate` Hz as one channel (frames,) at `to_rate`. `circular`: the end runs into the beginning."""
    return resampled(mono(samples), rate, to_rate, circular)


def resampled(wave: Wave, rate: int, to_rate: int, circular: bool = False) -> Wave:
    """A wave (samples,) at another rate, with round(samples × to_rate / rate) of them. `circular`: the end runs into the beginning."""
    if rate == to_rate:
        return wave
    length = round(len(wave) * to_rate / rate)
    turns = 3 if circular else 1
    out = np.asarray(soxr.resample(np.tile(wave, turns), rate, to_rate, "HQ"), np.float32)
    out = out[length : 2 * length] if circular else out[:length]
    return np.pad(out, (0, length - len(out)))
