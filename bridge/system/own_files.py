"""Files of ours in folders of the system: written, linked and removed again. Each function may be repeated."""

from __future__ import annotations

import contextlib
from pathlib import Path

from bridge.errors import FolderError
from bridge.system.writing import write_whole


def write(file: Path, data: bytes, program: bool = False) -> bool:
    """Write a file of ours, unless it has this content already; returns whether it was written. `program`: it may be run.
    Raises FolderError."""
    try:
        changed = not file.is_file() or file.read_bytes() != data
        if changed:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, data)
        if program:
            file.chmod(0o755)
        return changed
    except OSError as error:
        raise FolderError(f"{file} cannot be written: {error.strerror or error}.") from error


def link(place: Path, target: Path) -> None:
    """Make a symbolic link instead of whatever file is there. Raises FolderError."""
    if place.is_symlink() and place.readlink() == target:
        return
    remove(place)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)
    except OSError as error:
        raise FolderError(f"{place} cannot be created: {error.strerror or error}.") from error


def remove(*files: Path) -> None:
    """Remove files of ours, which need not exist. Raises FolderError."""
    for file in files:
        try:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                file.unlink()
        except OSError as error:
            raise FolderError(f"{file} cannot be removed: {error.strerror or error}.") from error
