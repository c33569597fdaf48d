"""One spelling for each file: a path may lead through links, and its letters may be composed or capitalised in several ways."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path


def on_disk(path: Path) -> Path:
    """`path` without links and `..`, with each name as its folder lists it. If there is no such file or folder, `path` itself,
    absolute. Reads every folder above it, so it may wait for a disk."""
    try:
        spelled = _listed(path.absolute())
        real = Path(os.path.realpath(spelled, strict=True))
        if real.drive.startswith("\\\\") and not spelled.drive.startswith(
            "\\\\"
        ):  # Windows: keep the letter of a network drive
            return spelled
        return real if real == spelled else _listed(real)
    except (OSError, ValueError):  # ValueError: a NUL
        return path.absolute()


def _listed(path: Path) -> Path:
    spelled = Path(path.anchor)
    for name in path.parts[1:]:
        spelled /= _listed_name(spelled, name)
    return spelled


def _listed_name(folder: Path, name: str) -> str:
    """The name in `folder` that means the same as `name`; `name` itself if it is listed, or if none does."""
    try:
        names = os.listdir(folder)
    except OSError:  # it may be entered, but not read
        return name
    if name in names or name == "..":
        return name
    any_case = os.path.lexists(folder / name)  # a disk that does not tell the cases apart, as on Windows and macOS
    return next((other for other in names if plain(other, any_case) == plain(name, any_case)), name)


def plain(name: str, any_case: bool) -> str:
    """A name in one spelling: composed, and with `any_case` in lower case. For comparing."""
    composed = unicodedata.normalize("NFC", name)
    return unicodedata.normalize("NFC", composed.casefold()) if any_case else composed
