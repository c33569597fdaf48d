"""Shape a clip that is played while it is still being decoded, piece by piece."""

from __future__ import annotations

import numpy as np
import soxr

from bridge.audio.beats import mixing
from bridge.audio.shape import PEAK_DBFS, Samples
from bridge.domain.ask import Shape
from bridge.domain.clip import OUTPUT_RATE
from bridge.errors import BadAudio

# The first piece sets the gain, at most 12 dB, because the level of the whole clip is not known yet. The player's limiter
# catches later peaks.
MAX_GAIN = 4.0


class EarlyClip:
    """Takes pieces at `sample_rate` and returns pieces at OUTPUT_RATE, `seconds` long in all."""

    def __init__(self, sample_rate: int, seconds: float, shape: Shape) -> None:
        self.frames = self._left = round(seconds * OUTPUT_RATE)
        self._shape, self._rate = shape, sample_rate
        self._resampler: soxr.ResampleStream | None = None
        self._gain: np.float32 | None = None
        self._mix: Samples | None = None  # as the first piece needs it
        self._constant: Samples | np.float32 = np.float32(0)

    def add(self, samples: Samples, last: bool) -> Samples:
        """Add a piece, (frames, channels), and return the next frames, which may be none. Raises BadAudio for NaN or infinity."""
        if not np.isfinite(samples).all():
            raise BadAudio("The model returned no valid sound (NaN or infinity).")
        if self._shape.channels == 1 and len(samples):
            if self._mix is None:
                self._mix = mixing(samples)
            samples = samples @ self._mix[:, None]
        if self._rate != OUTPUT_RATE:
            if self._resampler is None:
                self._resampler = soxr.ResampleStream(self._rate, OUTPUT_RATE, samples.shape[1], "float32", "HQ")
            samples = self._resampler.resample_chunk(np.ascontiguousarray(samples, np.float32), last)
        samples = samples[: self._left].astype(np.float32)
        if not len(samples):
            return samples
        if self._gain is None:
            self._constant = np.median(samples, axis=0)
            peak = float(np.abs(samples - self._constant).max())
            self._gain = np.float32(min(MAX_GAIN, 10 ** (PEAK_DBFS / 20) / max(peak, 1e-9)))
        samples = (samples - self._constant) * self._gain
        at = self.frames - self._left
        self._left -= len(samples)
        places = np.arange(at, at + len(samples))
        for fade_ms, distance in (
            (self._shape.fade_in_ms, places),
            (self._shape.fade_out_ms, self.frames - 1 - places),
        ):
            length = min(round(fade_ms / 1000 * OUTPUT_RATE), self.frames // 2)
            if length and (distance < length).any():
                fade = 0.5 - 0.5 * np.cos(np.pi * np.minimum(distance, length) / length)
                samples *= fade.astype(np.float32)[:, None]
        return samples.astype(np.float32)
