"""Which audio files may be played and changed by their paths: clips of the library, and what is below the sample folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from bridge.errors import UnknownClip
from bridge.system.spelling import on_disk


def reachable(path: str, folder: Path, is_clip: Callable[[Path], bool], look: bool) -> Path:
    """The file at `path`, without links, if `is_clip` is true for it or it is below `folder`. Waits for the disk. Raises UnknownClip.

    Without `look` nothing tells the asker which other files this disk has."""
    refusal = UnknownClip(
        f"{path[-200:]!r} is neither a clip of the library nor an audio file below the sample folder. Copy it there, or "
        "send the whole path of a clip, as /bridge/done and /bridge/clip state it."
    )
    if "\0" in path or not Path(path).is_absolute():
        raise refusal
    root, normal = on_disk(folder), Path(os.path.normpath(path))
    inside = any(normal.is_relative_to(one) for one in (root, folder.absolute()))
    if not look and not inside and not is_clip(normal):
        raise refusal
    file = on_disk(normal if not look else Path(path))
    if ".." in file.parts or not (file.is_relative_to(root) or is_clip(file)):  # `..` is left where nothing was found
        raise refusal
    if not file.is_file():
        if not look:
            raise refusal
        what = "is a folder" if file.is_dir() else "is not a regular file" if file.exists() else "does not exist"
        raise UnknownClip(f"{file.name[:200]!r} {what}.")
    return file
