"""A whole WAV file as bytes: 24-bit PCM from libsndfile, then our own text chunk with the recipe."""

from __future__ import annotations

import dataclasses
import errno
import io
import json
import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from bridge import __version__
from bridge.clip import Model, Prompt

SUBTYPE = "PCM_24"


def recipe(prompt: Prompt, model: Model, take: int) -> dict[str, object]:
    """Everything that is needed to make this take again, as plain data."""
    settings = dataclasses.asdict(prompt)
    settings["seed"] = prompt.seed_of(take)
    return {
        "clipbridge": __version__,
        **settings,
        "take": take,
        "batch_seed": prompt.seed,
        "model": model.name,
        "revision": model.revision,
        "licence": model.licence,
        "scheduler": model.scheduler,
        "scheduler_settings": dict(model.scheduler_settings),
        "compute": model.compute,
        "dtype": model.dtype,
    }


def encode(samples: npt.NDArray[np.float32], sample_rate: int, prompt: Prompt, model: Model, take: int) -> bytes:
    """The file's bytes. `samples`: (frames, channels), finite.

    The LIST/INFO chunk carries INAM (the prompt, UTF-8), ISFT and ICMT (the recipe as ASCII JSON). We write it
    ourselves: libsndfile loses strings of 2,047 bytes and more, and every one that follows, when it reads them;
    so the recipe comes last.
    """
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, sample_rate, format="WAV", subtype=SUBTYPE)
    info = [
        (b"INAM", prompt.text.encode()),
        (b"ISFT", f"Clipbridge {__version__}".encode()),
        (b"ICMT", json.dumps(recipe(prompt, model, take), separators=(",", ":")).encode()),
    ]
    return _append_info(buffer.getvalue(), info)


def check(file: Path, frames: int) -> None:
    """Read the header of a written file back. Raises OSError unless it holds exactly `frames` frames.

    A truncated file opens without an error, so the frames that are really there are counted by reading the last.
    """
    try:
        with soundfile.SoundFile(file) as wav:
            wav.seek(frames - 1)
            whole = wav.frames == frames and len(wav.read(2, always_2d=True)) == 1
    except soundfile.LibsndfileError as error:
        raise OSError(errno.EIO, f"reads back wrongly: {error}") from error
    if not whole:
        raise OSError(errno.EIO, "holds too few frames after writing")


def _append_info(wav: bytes, strings: list[tuple[bytes, bytes]]) -> bytes:
    """`wav` with a LIST/INFO chunk at its end. RIFF: chunk id, 32-bit little-endian size, data, padded to even size."""
    body = b"INFO" + b"".join(_chunk(name, text + b"\0") for name, text in strings)
    whole = wav + b"\0" * (len(wav) % 2) + _chunk(b"LIST", body)
    return whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:]


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
