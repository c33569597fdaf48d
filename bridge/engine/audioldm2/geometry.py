"""Samples, frames of the spectrogram and rows of latents of one checkpoint, converted to each other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from bridge.engine.audioldm2.hearing import Heard


@dataclass(frozen=True, slots=True)
class Geometry:
    """`sample_rate` in Hz; `hop`: samples per frame; `row_samples`: samples per row of latents; the number of rows is a
    multiple of `rows_unit`; `lead_in`: samples that the vocoder cuts off at the beginning."""

    sample_rate: int
    hop: int
    row_samples: int
    rows_unit: int
    lead_in: int

    @classmethod
    def of(cls, pipe: Any) -> Geometry:
        """The geometry of a pipeline."""
        vocoder = pipe.vocoder.config
        hop = math.prod(vocoder.upsample_rates)
        return cls(
            sample_rate=int(vocoder.sampling_rate),
            hop=hop,
            row_samples=hop * pipe.vae_scale_factor,
            # The UNet halves the rows at each level but the first. Other numbers of rows take a slower path.
            rows_unit=2 ** (len(pipe.unet_config["block_out_channels"]) - 1),
            # The starter is trained with silence before the attack.
            lead_in=int(getattr(vocoder, "lead_in_samples", 0)),
        )

    @property
    def row_seconds(self) -> float:
        """Seconds of a row of latents."""
        return self.row_samples / self.sample_rate

    def frames(self, seconds: float) -> int:
        """Samples of a clip of at least this length."""
        return math.ceil(seconds * self.sample_rate)

    def needed(self, seconds: float, heard: Heard) -> int:
        """Samples to decode for it: more if a tone is then played faster to reach its note."""
        return math.ceil(self.frames(seconds) * _faster(heard)) + self.lead_in

    def rows(self, samples: int) -> int:
        """Rows of latents for at least this number of samples, a multiple of `rows_unit`."""
        return math.ceil(samples / (self.row_samples * self.rows_unit)) * self.rows_unit

    def rows_for(self, seconds: float) -> int:
        """Rows of latents for a clip of this length."""
        return self.rows(self.frames(seconds) + self.lead_in)

    def frames_of_loop(self, seconds: float, heard: Heard) -> int:
        """Frames of the spectrogram of one period. Playing it slightly faster or slower then gives the exact length and the note:
        by half a frame at most, 10 cents for a second of the starter."""
        return max(1, round(seconds * self.sample_rate * _faster(heard) / self.hop))

    def rows_of_loop(self, seconds: float, heard: Heard) -> int:
        """Rows of latents of one period."""
        rows = self.frames_of_loop(seconds, heard) * self.hop / self.row_samples
        return max(1, round(rows / self.rows_unit)) * self.rows_unit


def _faster(heard: Heard) -> float:
    return heard.target_hz / heard.model_hz if heard.target_hz else 1.0
