"""From sound to tokens, and back: the codec between the starter's spectrogram and its vocoder."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

from bridge.engine.audioldm2 import vocoding
from bridge.engine.audioldm2.known import Known
from bridge.engine.audioldm2.mel_vocoder import MelVocoder, MelVocoderConfig
from bridge.engine.audiolm.codec import MelCodec

Wave = NDArray[np.float32]
PEAK = 0.89  # of the sounds with which the codec was trained (bridge/starter/catalogue.py)
HEARD_PHASE_STEPS = 5  # as the starter has them for this hop


class Sounding:
    """All waves are (samples,) at the codec's rate."""

    def __init__(self, codec: MelCodec) -> None:
        self.codec, config = codec, codec.config
        vocoder = MelVocoderConfig(
            sampling_rate=config.sample_rate,
            model_in_dim=config.bands,
            upsample_rates=(config.hop,),
            phase_steps=HEARD_PHASE_STEPS,
        )
        self.vocoder = MelVocoder(vocoder).eval()
        self.lead_in = int(vocoder.lead_in_samples)  # of silence, with which it was trained; the vocoder cuts it off

    @property
    def frame_s(self) -> float:
        """Seconds of a frame of tokens."""
        return self.codec.config.frame_samples / self.codec.config.sample_rate

    @property
    def lead_in_s(self) -> float:
        """Seconds of silence before the first beat."""
        return self.lead_in / self.codec.config.sample_rate

    def frames(self, samples: int) -> int:
        """Frames of tokens for at least this many samples; samples that are known are put in place up to a hop before the end."""
        config = self.codec.config
        return math.ceil((samples + self.lead_in + config.hop) / config.frame_samples)

    def heard_frames(self, samples: int) -> int:
        """Frames of tokens that do not depend on what comes after this many samples: a window of the spectrogram reaches beyond its
        middle."""
        reach = int(self.vocoder.config.window) // 2
        return max(0, (samples + self.lead_in - reach) // self.codec.config.frame_samples)

    def gain(self, wave: Wave) -> float:
        """The factor that brings a wave to the level at which the codec was trained; 1 for silence."""
        loudest = float(np.abs(wave).max(initial=0.0))
        return PEAK / loudest if loudest > 1e-6 else 1.0

    def mel(self, wave: Wave, frames: int) -> torch.Tensor:
        """The spectrogram (1, frames × stride, bands) of a wave, with silence behind it or cut at the last frame."""
        samples = frames * self.codec.config.frame_samples - self.lead_in
        padded = np.pad(wave[:samples], (self.lead_in, max(0, samples - len(wave))))
        return self.vocoder.mel(torch.from_numpy(np.ascontiguousarray(padded, np.float32))[None])

    def wave(self, mel: torch.Tensor, samples: int, known: Known | None = None) -> Wave:
        """The first samples of a spectrogram (1, frames, bands), with those that are known in their places."""
        wave = np.concatenate([piece.numpy() for piece in vocoding.waveform(self.vocoder, mel, known=known)])
        return np.pad(wave[:samples], (0, max(0, samples - len(wave))))

    def period(self, mel: torch.Tensor, samples: int) -> Wave:
        """One turn of a ring, whose length is that of whole frames of the spectrogram nearest to `samples`."""
        frames = max(1, round(samples / self.codec.config.hop))
        around = vocoding.circular(mel[:, None], frames)[:, 0]
        period: Wave = vocoding.period(self.vocoder, around).numpy()
        return period
