"""Published codecs in the layout of transformers: EnCodec, DAC and Mimi, as coders for networks that are trained over their tokens."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError

from bridge.checkpoints.reading import read_json
from bridge.engine.audiolm.coding import Wave
from bridge.engine.loading import quiet
from bridge.errors import NoModel

CLASSES = {"encodec": "EncodecModel", "dac": "DacModel", "mimi": "MimiModel"}
MOST_BOOKS = 8  # of the finer ones nothing is heard at the size of our networks
AHEAD = 2  # frames that an encoder may look ahead
FADE_S = 0.02
TURNS = 3  # of a ring, the middle one of which is used


class PulledCoder:
    """See Coder."""

    lead_in = 0

    def __init__(self, network: Any, kind: str) -> None:
        self._network, self._kind, config = network.eval().requires_grad_(False), kind, network.config
        self.sample_rate = int(config.sampling_rate)
        if kind == "mimi":
            self.frame_samples = round(self.sample_rate / config.frame_rate)
        else:
            ratios = config.upsampling_ratios if kind == "encodec" else config.downsampling_ratios
            self.frame_samples = math.prod(ratios)
        available = {"encodec": "num_quantizers", "dac": "n_codebooks", "mimi": "num_quantizers"}
        self.books = min(MOST_BOOKS, int(getattr(config, available[kind])))
        self.codes = int(config.codebook_size)

    @classmethod
    def load(cls, folder: Path) -> PulledCoder:
        """The codec in a folder. Raises NoModel."""
        kind = read_json(folder / "config.json").get("model_type")
        if kind not in CLASSES:
            raise NoModel(f"{folder} holds no codec: expected one of {', '.join(CLASSES)} as transformers saves it.")
        quiet()
        import transformers

        try:
            network, facts = getattr(transformers, CLASSES[kind]).from_pretrained(
                folder, local_files_only=True, use_safetensors=True, output_loading_info=True
            )
            if facts["missing_keys"]:
                raise ValueError(f"it lacks {sorted(facts['missing_keys'])[0]}")
            if kind == "encodec" and (network.config.normalize or network.config.audio_channels != 1):
                raise ValueError("it is the one for stereo; the one for 24 kHz and one channel can be used")
            return cls(network, kind)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, SafetensorError) as error:
            reason = " ".join(str(error).split())[:200]
            raise NoModel(f"{folder} cannot be loaded ({type(error).__name__}: {reason}). Fetch it again.") from error

    def frames(self, samples: int) -> int:
        """See Coder."""
        return math.ceil(samples / self.frame_samples)

    def heard_frames(self, samples: int) -> int:
        """See Coder."""
        return max(0, samples // self.frame_samples - AHEAD)

    def gain(self, wave: Wave) -> float:
        """See Coder: they were trained at all levels."""
        return 1.0

    @torch.no_grad()
    def tokens(self, wave: Wave, frames: int) -> torch.Tensor:
        """See Coder."""
        samples = frames * self.frame_samples
        padded = np.pad(wave[:samples], (0, max(0, samples - len(wave)))).astype(np.float32)
        sound = torch.from_numpy(padded)[None, None]
        if self._kind == "encodec":
            bandwidth = max(self._network.config.target_bandwidths)
            codes = self._network.encode(sound, bandwidth=bandwidth).audio_codes[0, 0]
        elif self._kind == "dac":
            codes = self._network.encode(sound, n_quantizers=self.books).audio_codes[0]
        else:
            codes = self._network.encode(sound, num_quantizers=self.books).audio_codes[0]
        tokens = codes[: self.books, :frames].T.long()
        return torch.cat([tokens, tokens[-1:].expand(frames - len(tokens), -1)])

    @torch.no_grad()
    def sound(self, tokens: torch.Tensor, samples: int) -> Wave:
        """See Coder."""
        codes = tokens.T[None]
        if self._kind == "encodec":
            made = self._network.decode(codes[None], [None]).audio_values[0, 0]
        elif self._kind == "dac":
            made = self._network.decode(audio_codes=codes).audio_values.flatten()
        else:
            made = self._network.decode(codes).audio_values[0, 0]
        wave = np.asarray(made.float().numpy())[:samples]
        return np.pad(wave, (0, max(0, samples - len(wave))))

    def period(self, tokens: torch.Tensor, samples: int) -> Wave:
        """See Coder: as long as its frames."""
        turn = len(tokens) * self.frame_samples
        return self.sound(tokens.repeat(TURNS, 1), TURNS * turn)[turn : 2 * turn]

    def joined(self, tokens: torch.Tensor, whole: Wave, begin: int, end: int) -> Wave:
        """See Coder: faded over into what the tokens made of the source."""
        made = self.sound(tokens, len(whole))
        share, fade = np.zeros(len(whole), np.float32), round(FADE_S * self.sample_rate)
        share[begin:end] = 1
        before, after = min(fade, begin), min(fade, len(whole) - end)
        share[begin - before : begin] = np.linspace(0, 1, before, dtype=np.float32)
        share[end : end + after] = np.linspace(1, 0, after, dtype=np.float32)
        return whole + share * (made - whole)

    def save(self, folder: Path) -> None:
        """See Coder."""
        self._network.save_pretrained(folder)
