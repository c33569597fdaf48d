"""Write a file as a whole: a reader sees the old content or the new one, never a part."""

from __future__ import annotations

import os
from pathlib import Path

from bridge.system import portable

UNFINISHED = ".unfinished"


def write_whole(file: Path, data: bytes) -> None:
    """Replace the content of `file`, or create it in its existing folder, through a temporary file beside it.

    Not synced to the disk: after a power cut the file may hold its old content. Raises OSError.
    """
    unfinished = file.with_name(file.name + UNFINISHED)
    unfinished.write_bytes(data)
    portable.replace(unfinished, file)


def write_synced(file: Path, data: bytes) -> None:
    """Create `file`, which must not exist, and return when its content is on the disk. Raises OSError."""
    with file.open("xb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
