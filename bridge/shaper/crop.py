"""Crop a clip: keep a part of it, exact to the frame."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bridge.domain import recipe
from bridge.domain.clip import Crop
from bridge.domain.recipe import Recipe
from bridge.errors import BadArgument, BadAudio, BadRecipe
from bridge.files import clip_file
from bridge.files.audio_file import AudioFile
from bridge.files.folder import FolderSink
from bridge.files.names import clip_names, crop_names
from bridge.files.tags import recipe_in
from bridge.system.spelling import on_disk

FADE_MS = 2.0  # at an edge in the middle of the sound, where a jump would be a click
SHORTEST_S = 0.005  # holds two fades
MOST_SAMPLES = 2 * 48_000 * 300  # five minutes in stereo at 48 kHz
TOLERANCE_S = 0.001  # what a 32-bit float may lose of the length of a file
SAME_LENGTH = 2  # frames: a converter may round

Samples = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Origin:
    """The recipe of the file that is cropped; `text`: as it is in the file."""

    recipe: Recipe
    text: str


def crop(path: Path, from_s: float, to_s: float, sink: FolderSink) -> dict[str, Any]:
    """Write the part of an audio file from `from_s` to `to_s` into the folder, next to it if it is there. Returns the facts of
    /bridge/cropped after the first path, and the `recipe` of the new file, "" for none. Raises BadArgument, BadAudio, FolderError."""
    file = AudioFile(path, from_s, to_s, longest_s=to_s)
    rate = file.sample_rate
    if to_s > file.total / rate + TOLERANCE_S:
        raise BadArgument(f"{path.name} is only {file.total / rate:.3f} seconds long.")
    if file.frames < SHORTEST_S * rate:
        raise BadArgument(f"At least {1000 * SHORTEST_S:g} milliseconds must lie between from and to.")
    if file.frames * file.channels > MOST_SAMPLES:
        most_s = MOST_SAMPLES / file.channels / rate
        raise BadArgument(f"At most {most_s:.4g} seconds of {path.name} can be written into a new file.")
    origin = _origin(path, file)
    bits = clip_file.bits_of(file.subtype) if origin is None else origin.recipe.prompt.shape.bits
    samples = file.read(file.frames, clip_file.kept_as(bits, file.subtype))
    if len(samples) < file.frames:
        raise BadAudio(f"{path.name} is damaged: it ends before it says.")
    samples = faded(samples, rate, file.first > 0, file.ends_early)
    if origin is None:
        data, text, names = clip_file.untagged(samples, rate, bits, path.stem), "", crop_names(path.stem)
    else:
        prompt, take = origin.recipe.prompt, origin.recipe.take
        kept = Crop(file.first / rate, (file.first + file.frames) / rate).within(prompt.crop)
        prompt, text = replace(prompt, crop=kept), recipe.with_crop(origin.text, kept)
        data, names = clip_file.tagged(samples, rate, prompt, take, text), clip_names(prompt, prompt.seed_of(take))
    root = on_disk(sink.folder)
    beside = path.parent.relative_to(root).as_posix() if path.is_relative_to(root) else ""
    check = functools.partial(clip_file.check, frames=len(samples))
    new = sink.deliver(data, check, "" if beside == "." else beside, names)
    return {
        "new_path": new.as_posix(),
        "seconds": len(samples) / rate,
        "frames": len(samples),
        "sample_rate": rate,
        "channels": samples.shape[1],
        "recipe": text,
    }


def recropped(samples: Samples, sample_rate: int, kept: Crop, shape: Any) -> Samples:
    """The part `kept` of a clip that was made again, with the very samples that `crop` took from its file. Raises BadAudio."""
    first, last = round(kept.from_s * sample_rate), round(kept.to_s * sample_rate)
    part = clip_file.as_written(samples, sample_rate, shape)[first:last]
    if not len(part):
        raise BadAudio("The clip is shorter than the part of it that was kept.")
    return faded(part, sample_rate, first > 0, last < len(samples))


def faded(samples: Samples, sample_rate: int, begin: bool, end: bool) -> Samples:
    """A copy with a raised-cosine fade of FADE_MS at the `begin` and at the `end`, if so."""
    samples, ramp = samples.copy(), round(FADE_MS / 1000 * sample_rate)
    curve = (0.5 - 0.5 * np.cos(np.pi * np.arange(ramp) / ramp))[:, None] if ramp else np.zeros((0, 1))
    for wanted, view in ((begin, samples), (end, samples[::-1])):
        if wanted and ramp:
            piece = view[:ramp] * curve[: len(view)]
            view[:ramp] = np.rint(piece) if samples.dtype == np.int32 else piece
    return samples


def _origin(path: Path, file: AudioFile) -> Origin | None:
    """The recipe in a file; None if it has none, or was made longer or shorter since."""
    try:
        text = recipe_in(path)
        read = recipe.read(text)
    except (BadRecipe, OSError):
        return None
    frames = round(read.prompt.claimed.seconds * file.sample_rate)
    may_be_shorter = read.prompt.shape.trim == "free" and read.prompt.crop is None
    is_same = abs(file.total - frames) <= SAME_LENGTH or (may_be_shorter and file.total < frames)
    return Origin(read, text) if is_same else None
