"""Whether the file of a source is still the same. No NumPy: the front checks it before a clip is recalled."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

from bridge.domain.source import Source
from bridge.errors import BadSource

CHUNK_BYTES = 1 << 20
MOST_BYTES = 1_000_000_000  # 150 s of two channels at 768 kHz take 0.9 GB in floating point
SAMPLES = ".npy"  # what the stream continues: samples at 48 kHz, as numpy.save writes them


def check_size(path: Path) -> None:
    """Raises BadSource if the path is of no regular file, or of one with more than MOST_BYTES."""
    name = path.name or str(path)
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise BadSource(f"There is no file {path.as_posix()[-200:]}.") from error
    except (OSError, ValueError) as error:
        raise BadSource(f"{name[:200]} cannot be read ({getattr(error, 'strerror', None) or error}).") from error
    if not stat.S_ISREG(status.st_mode):  # reading a pipe could block for ever
        raise BadSource(
            f"{name} cannot be read: it is {'a folder' if stat.S_ISDIR(status.st_mode) else 'not a regular file'}."
        )
    if status.st_size > MOST_BYTES:
        raise BadSource(f"{name} is larger than {MOST_BYTES // 1_000_000_000} GB: cut out what you need of it.")


def hash_of(path: Path) -> str:
    """The SHA-256 of a regular file, in hexadecimal. Raises BadSource."""
    check_size(path)
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
    except FileNotFoundError as error:
        raise BadSource(f"There is no file {path.as_posix()[-200:]}.") from error
    except (OSError, ValueError) as error:
        raise BadSource(f"{path.name} cannot be read ({getattr(error, 'strerror', None) or error}).") from error
    return digest.hexdigest()


def check(source: Source) -> None:
    """Raises BadSource if the file is gone or was changed. What a stream played has no hash, and is not there any more: a recipe that
    names it may come from anybody."""
    path = Path(source.path)
    if not source.sha256:
        raise BadSource("This clip went on after what a stream played, which is in no file: it cannot be made again.")
    try:
        same = hash_of(path) == source.sha256
    except BadSource as error:
        raise BadSource(f"The source of this clip cannot be used: {error}") from error
    if not same:
        raise BadSource(
            f"The source of this clip, {path.as_posix()[-200:]}, was changed since: the clip would be another one."
        )
