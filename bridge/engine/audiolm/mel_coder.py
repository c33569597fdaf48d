"""The coder of the models that ship: the mel codec, between the starter's spectrogram and its vocoder."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch

from bridge.engine.audioldm2 import vocoding
from bridge.engine.audioldm2.known import Known
from bridge.engine.audioldm2.mel_vocoder import MelVocoder, MelVocoderConfig
from bridge.engine.audiolm import networks
from bridge.engine.audiolm.codec import MelCodec
from bridge.engine.audiolm.coding import Wave

PEAK = 0.89  # of the sounds with which the codec was trained (bridge/starter/catalogue.py)
PHASE_STEPS = 5  # as the starter has them for this hop


class MelCoder:
    """See Coder."""

    def __init__(self, codec: MelCodec) -> None:
        self.codec, config = codec, codec.config
        vocoder = MelVocoderConfig(
            sampling_rate=config.sample_rate,
            model_in_dim=config.bands,
            upsample_rates=(config.hop,),
            phase_steps=PHASE_STEPS,
        )
        self.vocoder = MelVocoder(vocoder).eval()
        self.sample_rate, self.frame_samples = config.sample_rate, config.frame_samples
        self.books, self.codes = config.books, config.codes
        self.lead_in = int(vocoder.lead_in_samples)  # of silence, with which it was trained; the vocoder cuts it off

    def frames(self, samples: int) -> int:
        """See Coder. Samples that are known are put in place up to a hop before the end."""
        return math.ceil((samples + self.lead_in + self.codec.config.hop) / self.frame_samples)

    def heard_frames(self, samples: int) -> int:
        """See Coder. A window of the spectrogram reaches beyond its middle."""
        return max(0, (samples + self.lead_in - int(self.vocoder.config.window) // 2) // self.frame_samples)

    def gain(self, wave: Wave) -> float:
        """See Coder; 1 for silence."""
        loudest = float(np.abs(wave).max(initial=0.0))
        return PEAK / loudest if loudest > 1e-6 else 1.0

    def tokens(self, wave: Wave, frames: int) -> torch.Tensor:
        """See Coder."""
        return self.codec.tokens(self._mel(wave, frames))[0]

    def sound(self, tokens: torch.Tensor, samples: int) -> Wave:
        """See Coder."""
        return self._wave(self.codec.mel(tokens[None]), samples)

    def period(self, tokens: torch.Tensor, samples: int) -> Wave:
        """See Coder: as long as whole frames of the spectrogram."""
        frames = max(1, round(samples / self.codec.config.hop))
        around = vocoding.circular(self.codec.mel(tokens[None])[:, None], frames)[:, 0]
        period: Wave = vocoding.period(self.vocoder, around).numpy()
        return period

    def joined(self, tokens: torch.Tensor, whole: Wave, begin: int, end: int) -> Wave:
        """See Coder: the vocoder finds phases for the new part that go on from those of the source."""
        stride, frames = self.codec.config.stride, len(tokens)
        first, last = self.heard_frames(begin), min(frames, self.frames(end) + 1)
        mel, true = self.codec.mel(tokens[None]), self._mel(whole, frames)
        mel[:, : first * stride], mel[:, last * stride :] = true[:, : first * stride], true[:, last * stride :]
        certain = torch.ones(len(whole))
        certain[begin:end] = 0
        return self._wave(mel, len(whole), Known(torch.from_numpy(whole), certain))

    def save(self, folder: Path) -> None:
        """See Coder."""
        networks.save(self.codec, folder)

    def _mel(self, wave: Wave, frames: int) -> torch.Tensor:
        """The spectrogram (1, frames × stride, bands) of a wave."""
        samples = frames * self.frame_samples - self.lead_in
        padded = np.pad(wave[:samples], (self.lead_in, max(0, samples - len(wave))))
        return self.vocoder.mel(torch.from_numpy(np.ascontiguousarray(padded, np.float32))[None])

    def _wave(self, mel: torch.Tensor, samples: int, known: Known | None = None) -> Wave:
        wave = np.concatenate([piece.numpy() for piece in vocoding.waveform(self.vocoder, mel, known=known)])
        return np.pad(wave[:samples], (0, max(0, samples - len(wave))))
