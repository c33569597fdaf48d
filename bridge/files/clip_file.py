"""Audio files as bytes: WAV, FLAC or AIFF from libsndfile, with our tags."""

from __future__ import annotations

import errno
import io
from pathlib import Path

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
        recipe=recipe.write(prompt, model, take),
        software=f"Clipbridge {__version__}",
        seed=prompt.seed_of(take),
        sample_rate=sample_rate,
        bits=shape.bits,
        mode=mode,
        frames=len(samples),
        root=midi_of(claimed.note) if claimed.note else 60 + key_of(claimed.key).root if claimed.key else None,
        loop=prompt.loop,
        beats=round(beats) if beats == round(beats) else 0,
        beats_per_bar=prompt.beats_per_bar,
        bpm=claimed.bpm,
        lufs=lufs if isinstance(lufs, float) else None,
    )
    return INTO[shape.format](buffer.getvalue(), tags)


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
