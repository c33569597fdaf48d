"""Which audio files may be played and changed by their paths: clips of the library, and what is below the sample folder. A program on
this machine may play any other file too."""

from __future__ import annotations

import os
import stat
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
    what = _is_no_file(file)
    if what:
        raise UnknownClip(f"{file.name[:200]!r} {what}.") if look else refusal
    return file


def local(path: str) -> Path:
    """The file at the whole `path`, without links, for an asker on this machine. Waits for the disk. Raises UnknownClip."""
    if "\0" in path or not Path(path).is_absolute():  # else it would depend on where Clipbridge was started
        raise UnknownClip(f"{path[-200:]!r} is not a whole path: send all of it, with its folders.")
    file = on_disk(Path(path))
    if what := _is_no_file(file):
        raise UnknownClip(f"{file.name[:200]!r} {what}.")
    return file


def _is_no_file(file: Path) -> str:
    """Why `file` cannot be used; "" if it is a regular file. `Path.is_file` raises what a disk or a protected folder answers."""
    try:
        mode = file.stat().st_mode
    except FileNotFoundError:
        return "does not exist"
    except OSError as error:
        return f"cannot be opened ({error.strerror or error})"
    return "" if stat.S_ISREG(mode) else "is a folder" if stat.S_ISDIR(mode) else "is not a regular file"
