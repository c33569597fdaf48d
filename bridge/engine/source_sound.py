"""The source of a prompt as a checkpoint hears it: at its rate, with its channels, at the level at which it makes sounds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from bridge.audio.beats import mixing
from bridge.domain.model import Abilities
from bridge.domain.source import Source
from bridge.files import source_file

PEAK = 0.89  # about −1 dBFS, at which clips are published
SILENT = 1e-6

Sound = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SourceSound:
    """`samples`: (channels, samples), with the gap of a fill silent. `gain`: by which it was brought to PEAK. `rate`: in Hz."""

    source: Source
    samples: Sound
    gain: float
    rate: int

    @classmethod
    def read(cls, source: Source, abilities: Abilities) -> SourceSound:
        """Read the file of a source. Raises BadSource."""
        samples, file_rate = source_file.read(source)
        rate = abilities.sample_rate
        if samples.shape[1] > 1 and abilities.channels == 1:
            samples = (samples @ mixing(samples))[:, None]
        if file_rate != rate:
            samples = np.asarray(soxr.resample(samples, file_rate, rate, "HQ"), np.float32)
        sound = np.ascontiguousarray(np.broadcast_to(samples.T, (abilities.channels, len(samples))), np.float32)
        if source.how == "fill":
            sound[:, round(source.from_s * rate) : round(source.to_s * rate)] = 0
        loudest = float(np.abs(sound).max(initial=0.0))
        gain = PEAK / loudest if loudest > SILENT else 1.0
        return cls(source, sound * np.float32(gain), gain, rate)

    def of_length(self, frames: int) -> Sound:
        """The samples, cut to `frames` or with silence behind them."""
        return np.pad(self.samples[:, :frames], ((0, 0), (0, max(0, frames - self.samples.shape[1]))))

    def unknown(self, latents: int, hop: int) -> slice:
        """The latents, of `hop` samples each, in which anything is new; of a sound that is varied, all."""
        if self.source.how == "vary":
            return slice(0, latents)
        if self.source.how == "continue":
            return slice(min(self.samples.shape[1] // hop, latents - 1), latents)
        begin, end = (round(place_s * self.rate) for place_s in (self.source.from_s, self.source.to_s))
        return slice(min(begin // hop, latents - 1), min(math.ceil(end / hop), latents))
