"""Clips that start from a source: read it, and paste what the engine made to the part that is kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bridge.audio.beats import mixing
from bridge.audio.keep import at_output_rate, continued, filled
from bridge.audio.levels import at_level, steady_level
from bridge.audio.shape import SILENT_DBFS, Samples, fade, prepare
from bridge.audio.stretch import fit_length
from bridge.audio.tuning import off_cents
from bridge.domain.clip import OUTPUT_RATE, Prompt
from bridge.domain.source import Source
from bridge.errors import BadAudio, BadSource
from bridge.files import source_file
from bridge.shaper.make import Clip

MOST_CHANNELS = 2
LEVEL_GLIDE_S, MOST_LEVEL_DB = 0.3, 6.0


def source_of(prompt: Prompt) -> Samples | None:
    """The samples of the prompt's source that are used, (frames, 1 or 2 channels) at OUTPUT_RATE; None if it has no source. Raises
    BadSource, also if what is kept would be cut off at full scale."""
    source = prompt.source
    if source is None:
        return None
    samples, rate = source_file.read(source)
    name = Path(source.path).name
    if samples.shape[1] > MOST_CHANNELS:
        raise BadSource(f"{name} has {samples.shape[1]} channels: mix it down to two or one.")
    if not np.isfinite(samples).all():
        raise BadSource(f"{name} has invalid samples (NaN or infinity): write it again.")
    peak = float(np.abs(_kept(samples, rate, source)).max(initial=0.0))
    if peak > 1.0 and prompt.shape.bits < 32 and (source.keeps or source.strength == 0):
        over_db = 20 * np.log10(peak)
        raise BadSource(
            f"{name} cannot be kept as it is: its peaks exceed full scale by {over_db:.2g} dB. Lower it first, or ask for bits 32."
        )
    return at_output_rate(samples, rate)


def paste(samples: Samples, sample_rate: int, prompt: Prompt, source: Samples) -> Clip:
    """Make a clip that keeps a part of its source. `samples`: (frames, channels) at `sample_rate` Hz, the whole clip as the engine sends
    it. `source`: as `source_of` returns it. Of the shape, only the channels apply to what is kept. Raises BadAudio and BadSource."""
    assert prompt.source is not None
    frames = round(prompt.seconds * OUTPUT_RATE)
    if source.shape[1] < samples.shape[1] and prompt.shape.channels != 1:
        source = np.repeat(source, samples.shape[1], axis=1)  # the new part is as wide as the checkpoint makes it
    rendering = fit_length(prepare(samples, sample_rate, frames, centred=False), frames)
    if prompt.source.how == "fill":
        source = fit_length(source, frames)  # a resampler may give a frame more or less
        first, last = _gap(prompt.source, frames)
    else:
        first, last = len(source), frames
    if first >= last:
        raise BadSource("The clip is not longer than its source: ask for more.")
    rendering = _with_offset_of(source, rendering, first, last)
    _check_sound(samples[round(first / OUTPUT_RATE * sample_rate) : round(last / OUTPUT_RATE * sample_rate)])
    pasted = (
        filled(source, rendering, first, last) if prompt.source.how == "fill" else continued(source, rendering, frames)
    )
    if prompt.source.how == "continue" and (level := steady_level(source)):
        # A network lets most textures sink by some decibels.
        pasted = np.concatenate([pasted[:first], at_level(pasted[first:], level, LEVEL_GLIDE_S, MOST_LEVEL_DB)])
    new = pasted[first:last]  # a view: these fades change the clip
    if not first:
        fade(new, prompt.shape.fade_in_ms)
    if last == frames:
        fade(new[::-1], prompt.shape.fade_out_ms)
    measured: dict[str, float | str] = {}
    if (note := prompt.claimed.note) and (off := off_cents(new, note)) is not None:
        measured["off_cents"] = round(off, 1)
    if prompt.shape.channels == 1 and pasted.shape[1] > 1:
        # Then "kept" means the mix of the source, the mean of its channels or the loudest if they cancel. Two channels of one (which the
        # file gets) are both the source.
        pasted = (pasted @ mixing(pasted))[:, None]
    return Clip(pasted, measured, _remarks(source, prompt), unmet=("key",) if prompt.key else ())


def _with_offset_of(source: Samples, rendering: Samples, first: int, last: int) -> Samples:
    """The rendering with the constant offset that the source has outside of the frames from `first` to `last`. Its own median, by which a
    clip without a source is centred, would be a step at the joins: that of a wave whose halves are unlike is not 0."""
    kept = np.r_[0:first, last : len(source)]
    if not len(kept):
        return np.asarray(rendering - np.median(rendering, axis=0), np.float32)
    own = source[kept].mean(axis=0) if source.shape[1] == rendering.shape[1] else source[kept].mean()
    return np.asarray(rendering - (rendering[kept].mean(axis=0) - own), np.float32)


def _check_sound(new: Samples) -> None:
    """Raises BadAudio if the new part is silent, apart from a constant offset. The rest of the clip, which the engine knew, says nothing
    of it."""
    if not len(new) or float(np.abs(new - np.median(new, axis=0)).max()) < 10 ** (SILENT_DBFS / 20):
        raise BadAudio("The model returned silence. Try another seed, or other words.")


def _kept(samples: Samples, rate: int, source: Source) -> Samples:
    """What of a source is kept, at its own rate."""
    if source.how != "fill":
        return samples
    first, last = round(source.from_s * rate), round(source.to_s * rate)
    return np.concatenate([samples[:first], samples[last:]])


def _gap(source: Source, frames: int) -> tuple[int, int]:
    """The first frame of the gap and the one after its last. Raises BadSource."""
    first, last = (min(frames, round(place_s * OUTPUT_RATE)) for place_s in (source.from_s, source.to_s))
    if first >= last:
        raise BadSource("The gap lies after the end of its source.")
    return first, last


def _remarks(source: Samples, prompt: Prompt) -> tuple[str, ...]:
    """Says so if resampling the source gave peaks that a file of whole numbers cuts off."""
    assert prompt.source is not None
    peak = float(np.abs(_kept(source, OUTPUT_RATE, prompt.source)).max(initial=0.0))
    if peak <= 1.0 or prompt.shape.bits == 32:
        return ()
    over = f"{20 * np.log10(peak):.2g}"
    return (f"At 48 kHz the peaks of the source exceed full scale by {over} dB and are cut off; bits 32 keeps them.",)
