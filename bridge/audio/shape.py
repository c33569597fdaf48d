"""Shape the engine's samples into a clip: exact length, OUTPUT_RATE, level and fades."""

from __future__ import annotations

import numpy as np
import soxr

from bridge.audio.levels import loud_rms
from bridge.audio.stretch import Samples, fit_length
from bridge.domain.ask import Shape
from bridge.domain.clip import OUTPUT_RATE
from bridge.errors import BadAudio, Unsupported

PEAK_DBFS = -1.0  # headroom for the overshoot of a later conversion (EBU R 128: at most −1 dBTP)
SILENT_DBFS = -80.0  # a clip with a lower peak counts as silent: amplifying it would deliver noise
# A clip counts as clipped if this share of its samples lies in flat runs of at least CLIPPED_RUN.
CLIPPED_SHARE, CLIPPED_RUN = 0.01, 4
ONSET_DB, PRE_ROLL_MS = -40.0, 5.0  # the level of the onset, relative to the peak; the time kept before it
TAIL_DB = -60.0  # relative to the peak: quieter is the end of the sound


def shape(samples: Samples, sample_rate: int, seconds: float, options: Shape, loop: bool = False) -> Samples:
    """Shape a clip: `prepare`, then `finish`."""
    frames = round(seconds * OUTPUT_RATE)
    return finish(prepare(samples, sample_rate, frames, loop), frames, options, loop)


def prepare(samples: Samples, sample_rate: int, frames: int, loop: bool = False, centred: bool = True) -> Samples:
    """Resample to OUTPUT_RATE, remove a constant offset unless not `centred`, and cut to at most `frames`. `samples`: (frames, channels)
    at `sample_rate`; those of a `loop` are one period, which is resampled to exactly `frames`.

    Raises BadAudio for NaN or infinity (libsndfile would turn NaN into full scale in PCM), silence and clipping.
    """
    if not np.isfinite(samples).all():
        raise BadAudio("The model returned no valid sound (NaN or infinity). Try another seed or a lower guidance.")
    # An offset only displaces the speakers. The median, because a burst followed by silence has a mean but no offset.
    offset = np.median(samples, axis=0) if len(samples) else np.float32(0)
    centre = samples - offset
    samples = centre if centred else samples
    peak = float(np.abs(centre).max(initial=0.0))
    if peak < 10 ** (SILENT_DBFS / 20):
        raise BadAudio("The model returned silence. Try another seed, or other words.")
    if _is_clipped(samples):
        raise BadAudio("The model returned a clipped sound. Try another seed or a lower guidance.")
    if loop:
        return resample_loop(samples, frames)
    if sample_rate != OUTPUT_RATE:
        samples = soxr.resample(samples, sample_rate, OUTPUT_RATE, "HQ")
    return samples[:frames]


def finish(samples: Samples, frames: int, options: Shape, loop: bool = False) -> Samples:
    """Finish a clip: `arrange`, then `levelled`."""
    return levelled(arrange(samples, frames, options, loop), options.lufs)


def arrange(samples: Samples, frames: int, options: Shape, loop: bool = False) -> Samples:
    """Trim, pad with silence to `frames` (with `trim free` the clip may be shorter), reverse if requested, and fade both ends. A `loop`
    is not trimmed or faded."""
    if not loop:
        samples = _trimmed(samples[:frames], options.trim, frames)
    if options.reverse:
        samples = samples[::-1]
    if not loop:
        samples = samples.astype(np.float32)  # a copy: the samples may be a view of received bytes
        fade(samples, options.fade_in_ms)
        fade(samples[::-1], options.fade_out_ms)
    return samples


def levelled(samples: Samples, lufs: float | None, loud: float = 0.0) -> Samples:
    """The samples at the loudness `lufs`, else with the RMS `loud` of their loud part, as far as a peak of PEAK_DBFS allows; without
    either, at that peak."""
    peak = float(np.abs(samples).max(initial=0.0))  # after the fades, which may have lowered the loudest moment
    if not peak:
        return samples
    gain = 10 ** (PEAK_DBFS / 20) / peak
    if lufs is not None:
        if np.isfinite(now := loudness(samples)):
            gain = min(gain, 10 ** ((lufs - now) / 20))
    elif loud:
        gain = min(gain, loud / loud_rms(samples))
    return samples * np.float32(gain)


def fade(samples: Samples, fade_ms: float) -> None:
    """Raised-cosine fade from silence over the first `fade_ms`, in place; at most half of the clip."""
    length = min(round(fade_ms / 1000 * OUTPUT_RATE), len(samples) // 2)
    if length:
        samples[:length] *= (0.5 - 0.5 * np.cos(np.pi * np.arange(length) / length)).astype(np.float32)[:, None]


def resample_loop(period: Samples, frames: int) -> Samples:
    """Resample one period of a periodic sound to `frames`, so that its end still continues at its beginning."""
    if len(period) == frames:
        return period.astype(np.float32)
    # Repeat it often enough for the filter of the resampler.
    turns = -(-4_096 // len(period))
    long = np.concatenate([period] * (2 * turns + 1))
    resampled = soxr.resample(long, len(period), frames, "HQ")
    return np.ascontiguousarray(resampled[turns * frames : (turns + 1) * frames], np.float32)


def loudness(samples: Samples) -> float:
    """Integrated loudness in LUFS (ITU-R BS.1770-4) of (frames, channels) at 48 kHz; −inf for silence. Raises Unsupported."""
    try:
        import pyloudnorm  # late: it imports scipy, which takes 0.5 s
    except ModuleNotFoundError as error:  # a front without torch does not install it
        raise Unsupported("The key lufs needs pyloudnorm: pip install pyloudnorm, or leave it out.") from error

    block_s = 0.4
    missing = round(block_s * OUTPUT_RATE) + 1 - len(samples)
    if missing > 0:  # a shorter clip is one block
        samples = np.pad(samples, ((0, missing), (0, 0)))
    return float(pyloudnorm.Meter(OUTPUT_RATE, block_size=block_s).integrated_loudness(samples.astype(np.float64)))


def _trimmed(samples: Samples, trim: str, frames: int) -> Samples:
    level = np.abs(samples).max(axis=1, initial=0.0)
    peak = float(level.max(initial=0.0))
    if trim != "off" and peak:
        onset = int(np.argmax(level > peak * 10 ** (ONSET_DB / 20)))
        samples = samples[max(0, onset - round(PRE_ROLL_MS / 1000 * OUTPUT_RATE)) :]
    if trim == "free" and peak:
        level = np.abs(samples).max(axis=1)
        return samples[: len(level) - int(np.argmax(level[::-1] > peak * 10 ** (TAIL_DB / 20)))]
    return fit_length(samples, frames)


def _is_clipped(samples: Samples) -> bool:
    """Whether the peaks are flat: too many runs of samples at the highest level."""
    level = np.abs(samples)
    flat = level >= level.max() * (1 - 1e-4)
    if flat.mean() < CLIPPED_SHARE:
        return False
    runs = flat[: len(flat) - CLIPPED_RUN + 1].copy()
    for later in range(1, CLIPPED_RUN):
        runs &= flat[later : len(flat) - CLIPPED_RUN + 1 + later]
    return bool(runs.mean() >= CLIPPED_SHARE)
