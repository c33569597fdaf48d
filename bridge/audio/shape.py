"""From the engine's samples to the clip that was promised: exact length, the folder's rate, level and fades."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import soxr

from bridge.audio.stretch import exactly
from bridge.domain.ask import Shape
from bridge.domain.clip import OUTPUT_RATE
from bridge.errors import BadAudio

PEAK_DBFS = -1.0  # leaves room for the overshoot of a later conversion (EBU R 128: at most −1 dBTP)
SILENT_DBFS = -80.0  # a peak below is no sound: lifting it would deliver noise
# Of what a network returns with flat tops, this much of the samples is where it is no more a rounded peak.
CLIPPED_SHARE, CLIPPED_RUN = 0.01, 4
ONSET_DB, PRE_ROLL_MS = -40.0, 5.0  # where a sound begins, below its peak; what is kept before it
TAIL_DB = -60.0  # below the peak: where it has died away

Samples = npt.NDArray[np.float32]


def shape(samples: Samples, sample_rate: int, seconds: float, how: Shape, loop: bool = False) -> Samples:
    """The finished clip: `sound`, then `finished`."""
    frames = round(seconds * OUTPUT_RATE)
    return finished(sound(samples, sample_rate, frames, loop), frames, how, loop)


def sound(samples: Samples, sample_rate: int, frames: int, loop: bool = False) -> Samples:
    """What the engine made, at 48 kHz and without a constant: at most `frames` of (frames, channels); a `loop`, of which one
    period came, has exactly so many.

    Raises BadAudio for NaN or infinity (in PCM libsndfile would turn NaN into full scale), silence, and clipping.
    """
    if not np.isfinite(samples).all():
        raise BadAudio("The model returned no valid sound (NaN or infinity). Try another seed or a lower guidance.")
    # A constant would only push the speakers. The median: a burst with silence behind it has a mean, and no constant.
    samples = samples - (np.median(samples, axis=0) if len(samples) else np.float32(0))
    peak = float(np.abs(samples).max(initial=0.0))
    if peak < 10 ** (SILENT_DBFS / 20):
        raise BadAudio("The model returned silence. Try another seed, or other words.")
    if _is_clipped(samples):
        raise BadAudio("The model returned a clipped sound. Try another seed or a lower guidance.")
    if loop:
        return around(samples, frames)
    if sample_rate != OUTPUT_RATE:
        samples = soxr.resample(samples, sample_rate, OUTPUT_RATE, "HQ")
    return samples[:frames]


def finished(samples: Samples, frames: int, how: Shape, loop: bool = False) -> Samples:
    """Trimmed, `frames` long (with `trim free` perhaps shorter; what is missing is silence), perhaps turned around, faded at both
    ends, at its level. A `loop` has no trim and no fades."""
    if not loop:
        samples = _trimmed(samples[:frames], how.trim, frames)
    if how.reverse:
        samples = samples[::-1]
    if not loop:
        samples = samples.astype(np.float32)  # a copy: what came in may be a view of received bytes
        _fade(samples, how.fade_in_ms)
        _fade(samples[::-1], how.fade_out_ms)
    return _levelled(samples, how.lufs)


def around(period: Samples, frames: int) -> Samples:
    """One period of a periodic sound at so many frames: its end still goes on at its beginning."""
    if len(period) == frames:
        return period.astype(np.float32)
    # Enough of what comes before and after for the filter of the resampler.
    turns = -(-4_096 // len(period))
    long = np.concatenate([period] * (2 * turns + 1))
    resampled = soxr.resample(long, len(period), frames, "HQ")
    return np.ascontiguousarray(resampled[turns * frames : (turns + 1) * frames], np.float32)


def loudness(samples: Samples) -> float:
    """Integrated loudness in LUFS (ITU-R BS.1770-4) of (frames, channels) at 48 kHz; −inf for silence."""
    import pyloudnorm  # scipy comes with it: 0.5 s, which only those wait for who ask for a loudness

    block_s = 0.4
    missing = round(block_s * OUTPUT_RATE) + 1 - len(samples)
    if missing > 0:  # a shorter clip is one block
        samples = np.pad(samples, ((0, missing), (0, 0)))
    return float(pyloudnorm.Meter(OUTPUT_RATE, block_size=block_s).integrated_loudness(samples.astype(np.float64)))


def _levelled(samples: Samples, lufs: float | None) -> Samples:
    peak = float(np.abs(samples).max(initial=0.0))  # after the fades: they may have lowered the loudest moment
    if not peak:
        return samples
    gain = 10 ** (PEAK_DBFS / 20) / peak
    if lufs is not None and np.isfinite(now := loudness(samples)):
        gain = min(gain, 10 ** ((lufs - now) / 20))
    return samples * np.float32(gain)


def _trimmed(samples: Samples, trim: str, frames: int) -> Samples:
    level = np.abs(samples).max(axis=1, initial=0.0)
    peak = float(level.max(initial=0.0))
    if trim != "off" and peak:
        onset = int(np.argmax(level > peak * 10 ** (ONSET_DB / 20)))
        samples = samples[max(0, onset - round(PRE_ROLL_MS / 1000 * OUTPUT_RATE)) :]
    if trim == "free" and peak:
        level = np.abs(samples).max(axis=1)
        return samples[: len(level) - int(np.argmax(level[::-1] > peak * 10 ** (TAIL_DB / 20)))]
    return exactly(samples, frames)


def _is_clipped(samples: Samples) -> bool:
    """Whether tops are flat: runs of samples that stay where the highest is."""
    level = np.abs(samples)
    flat = level >= level.max() * (1 - 1e-4)
    if flat.mean() < CLIPPED_SHARE:
        return False
    runs = flat[: len(flat) - CLIPPED_RUN + 1].copy()
    for later in range(1, CLIPPED_RUN):
        runs &= flat[later : len(flat) - CLIPPED_RUN + 1 + later]
    return bool(runs.mean() >= CLIPPED_SHARE)


def _fade(samples: Samples, fade_ms: float) -> None:
    """Raised-cosine fade from silence over the first `fade_ms`, in place; at most half of the clip."""
    length = min(round(fade_ms / 1000 * OUTPUT_RATE), len(samples) // 2)
    if length:
        samples[:length] *= (0.5 - 0.5 * np.cos(np.pi * np.arange(length) / length)).astype(np.float32)[:, None]
