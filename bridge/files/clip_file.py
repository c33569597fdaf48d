"""Audio files as bytes: WAV, FLAC or AIFF from libsndfile, with our tags."""

from __future__ import annotations

import errno
import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from bridge import __version__
from bridge.domain import recipe
from bridge.domain.ask import Shape
from bridge.domain.clip import Prompt
from bridge.domain.model import Model
from bridge.domain.musical_keys import key_of
from bridge.domain.notes import midi_of
from bridge.files import chunks
from bridge.files.chunks import Tags

TITLE_CHARACTERS = 200
SUBTYPES = {16: "PCM_16", 24: "PCM_24", 32: "FLOAT"}
INTO = {"wav": chunks.into_wav, "flac": chunks.into_flac, "aiff": chunks.into_aiff}


def encode(
    samples: npt.NDArray[np.float32],
    sample_rate: int,
    prompt: Prompt,
    model: Model,
    take: int,
    lufs: float | str | None = None,
) -> bytes:
    """The bytes of a file, always the same for the same arguments. `samples`: (frames, channels), finite; one channel becomes
    two if the prompt's shape says so. `lufs`: the measured loudness, or None."""
    return tagged(samples, sample_rate, prompt, take, recipe.write(prompt, model, take), lufs)


def tagged(
    samples: npt.NDArray[Any], sample_rate: int, prompt: Prompt, take: int, text: str, lufs: float | str | None = None
) -> bytes:
    """As `encode`, with the recipe `text`. The samples may also be of int32, full scale."""
    shape, claimed = prompt.shape, prompt.claimed
    mode = "mono" if samples.shape[1] == 1 else "stereo"
    if shape.channels == 2 and mode == "mono":
        samples = np.repeat(samples, 2, axis=1)
    if samples.shape[1] == 2 and (samples[:, 0] == samples[:, 1]).all():
        mode = "dual-mono"
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, sample_rate, format=shape.format.upper(), subtype=SUBTYPES[shape.bits])
    beats = claimed.bars * claimed.beats_per_bar
    tags = Tags(
        title=prompt.text,
        recipe=text,
        software=f"Clipbridge {__version__}",
        seed=prompt.seed_of(take),
        sample_rate=sample_rate,
        bits=shape.bits,
        mode=mode,
        frames=len(samples),
        root=midi_of(claimed.note) if claimed.note else 60 + key_of(claimed.key).root if claimed.key else None,
        loop=claimed.loop,
        beats=round(beats) if beats == round(beats) else 0,
        beats_per_bar=prompt.beats_per_bar,
        bpm=claimed.bpm,
        lufs=lufs if isinstance(lufs, float) else None,
    )
    return INTO[shape.format](buffer.getvalue(), tags)


def untagged(samples: npt.NDArray[Any], sample_rate: int, bits: int, title: str) -> bytes:
    """The bytes of a WAV file without a recipe."""
    buffer = io.BytesIO()
    with soundfile.SoundFile(buffer, "w", sample_rate, samples.shape[1], SUBTYPES[bits], format="WAV") as opened:
        opened.title = title[:TITLE_CHARACTERS]
        opened.write(samples)
    return buffer.getvalue()


def as_written(samples: npt.NDArray[np.float32], sample_rate: int, shape: Shape) -> npt.NDArray[Any]:
    """The samples as they are read from a file of that shape: int32 at full scale, float32 where the file has them."""
    buffer, subtype = io.BytesIO(), SUBTYPES[shape.bits]
    soundfile.write(buffer, samples, sample_rate, format=shape.format.upper(), subtype=subtype)
    buffer.seek(0)
    return np.asarray(soundfile.read(buffer, dtype=kept_as(shape.bits, subtype), always_2d=True)[0])


def bits_of(subtype: str) -> int:
    """The bits of a sample that keep what a file of another program has, as far as ours can."""
    return 32 if subtype in ("FLOAT", "DOUBLE") else 24


def kept_as(bits: int, subtype: str) -> str:
    """The type in which samples go from a file with this subtype into one with these `bits` without being scaled."""
    return "int32" if bits < 32 and subtype.startswith("PCM") else "float32"


def suffix(shape: Shape) -> str:
    """The file name suffix of a format."""
    return f".{shape.format}"


def check(file: Path, frames: int) -> None:
    """Read a written file back. Raises OSError unless it holds exactly `frames` frames.

    A truncated file opens without an error and its header states the full length, so the last frame is read.
    """
    try:
        with soundfile.SoundFile(file) as opened:
            opened.seek(frames - 1)
            complete = opened.frames == frames and len(opened.read(2, always_2d=True)) == 1
    except soundfile.LibsndfileError as error:
        raise OSError(errno.EIO, f"does not read back as written: {error}") from error
    if not complete:
        raise OSError(errno.EIO, "holds too few frames after writing")
