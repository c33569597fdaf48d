"""How samples, frames of the spectrogram and rows of latents go together in one checkpoint."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from bridge.engine.audioldm2.hearing import Heard


@dataclass(frozen=True, slots=True)
class Geometry:
    """`sample_rate` in Hz; `hop`: samples of a frame; `row_samples`: samples of a row of latents; `rows_unit`: rows come in
    multiples of it; `lead_in`: samples that the vocoder cuts off in front."""

    sample_rate: int
    hop: int
    row_samples: int
    rows_unit: int
    lead_in: int

    @classmethod
    def of(cls, pipe: Any) -> Geometry:
        """Of a pipeline's parts."""
        vocoder = pipe.vocoder.config
        hop = math.prod(vocoder.upsample_rates)
        return cls(
            sample_rate=int(vocoder.sampling_rate),
            hop=hop,
            row_samples=hop * pipe.vae_scale_factor,
            # The UNet halves the rows at each level but the first: other row counts only run through a slower path,
            # and under torch.compile not at all (FACTS A2.1).
            rows_unit=2 ** (len(pipe.unet.config.block_out_channels) - 1),
            # Silence before the attack that the starter is trained with.
            lead_in=int(getattr(vocoder, "lead_in_samples", 0)),
        )

    @property
    def row_seconds(self) -> float:
        """Seconds of a row of latents."""
        return self.row_samples / self.sample_rate

    def frames(self, seconds: float) -> int:
        """Samples of a clip of that length: at least so long."""
        return math.ceil(seconds * self.sample_rate)

    def needed(self, seconds: float, heard: Heard) -> int:
        """Samples that must be made for it. A tone that is played faster to reach its note must be made longer."""
        return math.ceil(self.frames(seconds) * _faster(heard)) + self.lead_in

    def rows(self, samples: int) -> int:
        """Rows of latents that make at least so many samples, in the unit that the network halves well."""
        return math.ceil(samples / (self.row_samples * self.rows_unit)) * self.rows_unit

    def rows_for(self, seconds: float) -> int:
        """Rows of latents that a clip of that length is made from."""
        return self.rows(self.frames(seconds) + self.lead_in)

    def frames_of_loop(self, seconds: float, heard: Heard) -> int:
        """Frames of the spectrogram of one period. What is left to the exact length, and to the note, is done by playing it
        faster or slower: half a frame at most, 10 cents for a second of the starter."""
        return max(1, round(seconds * self.sample_rate * _faster(heard) / self.hop))

    def rows_of_loop(self, seconds: float, heard: Heard) -> int:
        """Rows of latents of one period."""
        rows = self.frames_of_loop(seconds, heard) * self.hop / self.row_samples
        return max(1, round(rows / self.rows_unit)) * self.rows_unit


def _faster(heard: Heard) -> float:
    return heard.wanted_hz / heard.made_hz if heard.wanted_hz else 1.0
