"""From the engine's samples to the clip that was promised: exact length, the folder's rate, level and fades."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import soxr

from bridge.clip import OUTPUT_RATE, Shape
from bridge.errors import BadAudio

PEAK_DBFS = -1.0  # leaves room for the overshoot of a later conversion (EBU R 128: at most −1 dBTP)
SILENCE = 1e-5  # a peak below −100 dBFS is left as it is: lifting it would deliver noise

Samples = npt.NDArray[np.float32]


def shape(samples: Samples, sample_rate: int, seconds: float, how: Shape) -> Samples:
    """The finished clip: (round(seconds × 48000), channels) float32 at 48 kHz, faded at both ends, then peak at −1 dBFS.

    `samples`: (frames, channels) at `sample_rate` Hz, at least `seconds` long but for rounding; what is missing is
    silence. Raises BadAudio for NaN or infinity: in PCM libsndfile would turn NaN into full scale.
    """
    if not np.isfinite(samples).all():
        raise BadAudio("The model returned no valid sound (NaN or infinity). Try another seed or a lower guidance.")
    frames = round(seconds * OUTPUT_RATE)
    if sample_rate != OUTPUT_RATE:
        samples = soxr.resample(samples, sample_rate, OUTPUT_RATE, "HQ")
    samples = samples[:frames]
    # A constant would only push the speakers. The median: a burst with silence behind it has a mean, and no constant.
    samples = samples - (np.median(samples, axis=0) if len(samples) else np.float32(0))
    if len(samples) < frames:
        samples = np.pad(samples, ((0, frames - len(samples)), (0, 0)))
    samples = samples.astype(np.float32)  # a copy: what came in may be a view of received bytes
    _fade(samples, how.fade_in_ms)
    _fade(samples[::-1], how.fade_out_ms)
    peak = float(np.abs(samples).max(initial=0.0))  # after the fades: they may have lowered the loudest moment
    if peak > SILENCE:
        samples *= 10 ** (PEAK_DBFS / 20) / peak
    return samples


def _fade(samples: Samples, fade_ms: float) -> None:
    """Raised-cosine fade from silence over the first `fade_ms`, in place; at most half of the clip."""
    length = min(round(fade_ms / 1000 * OUTPUT_RATE), len(samples) // 2)
    if length:
        samples[:length] *= (0.5 - 0.5 * np.cos(np.pi * np.arange(length) / length)).astype(np.float32)[:, None]
