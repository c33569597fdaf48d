"""The file of a source: check that it is still the same, and read what is used of it."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.domain.source import Source
from bridge.errors import BadAudio, BadSource

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

CHUNK_BYTES = 1 << 20
MOST_BYTES = 1_000_000_000  # 150 s of two channels at 768 kHz take 0.9 GB in floating point
SAMPLES = ".npy"  # what the stream continues: samples at 48 kHz, as numpy.save writes them
SAMPLES_RATE = 48_000


def hash_of(path: Path) -> str:
    """The SHA-256 of a regular file, in hexadecimal. Raises BadSource."""
    digest = hashlib.sha256()
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # reading a pipe could block for ever
            raise BadSource(f"{path.name} is {'a folder' if stat.S_ISDIR(status.st_mode) else 'not a regular file'}.")
        if status.st_size > MOST_BYTES:
            raise BadSource(
                f"{path.name} is larger than {MOST_BYTES // 1_000_000_000} GB: cut out what you need of it."
            )
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
    except FileNotFoundError as error:
        raise BadSource(f"There is no file {path.as_posix()[-200:]}.") from error
    except (OSError, ValueError) as error:
        raise BadSource(f"{path.name} cannot be read ({getattr(error, 'strerror', None) or error}).") from error
    return digest.hexdigest()


def check(source: Source) -> None:
    """Raises BadSource if the file is gone or was changed."""
    path = Path(source.path)
    try:
        same = hash_of(path) == source.sha256
    except BadSource as error:
        raise BadSource(f"The source of this clip cannot be used: {error}") from error
    if not same:
        raise BadSource(
            f"The source of this clip, {path.as_posix()[-200:]}, was changed since: the clip would be another one."
        )


def read(source: Source) -> tuple[npt.NDArray[np.float32], int]:
    """The samples that are used, (frames, channels) as float32, and their rate in Hz. Raises BadSource."""
    check(source)
    path, whole = Path(source.path), source.how == "fill"
    if path.suffix == SAMPLES:
        samples, rate = _stored(path), SAMPLES_RATE
        return samples if whole else samples[round(source.from_s * rate) : round(source.to_s * rate)], rate
    from bridge.files.audio_file import AudioFile

    try:
        file = AudioFile(path) if whole else AudioFile(path, source.from_s, source.to_s)
        samples = file.read(file.frames)
    except BadAudio as error:
        raise BadSource(str(error)) from error
    expected = source.seconds if whole else source.to_s - source.from_s
    if len(samples) < round(expected * file.sample_rate) - 1:
        raise BadSource(f"{path.name} is damaged: it ends before it says.")
    return samples, file.sample_rate


def _stored(path: Path) -> Any:
    import numpy as np

    try:
        samples = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise BadSource(f"{path.name} cannot be read ({error}).") from error
    return np.asarray(samples, np.float32).reshape(len(samples), -1)
