"""Gives the file of a clip another name, one that every system allows."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

from bridge.domain.limits import RESERVED
from bridge.errors import BadArgument
from bridge.system import portable

FORBIDDEN = '<>:"/\\|?*'  # by Windows; the sample folder may be read there, or synced to it
MAX_NAME_BYTES = 200  # with the suffix: file systems allow 255


def target_of(path: Path, name: str) -> Path:
    """The path of the file under another name; its suffix stays. Raises BadArgument."""
    name = unicodedata.normalize("NFC", name.strip())
    if name.lower().endswith(path.suffix.lower()):
        name = name[: len(name) - len(path.suffix)].rstrip()
    bad = sorted({c for c in name if c in FORBIDDEN or unicodedata.category(c) in ("Cc", "Cs")})
    if not name:
        raise BadArgument("A file needs a name.")
    if bad:
        shown = " ".join(c if c.isprintable() else "line breaks" for c in bad)
        raise BadArgument(f"A name cannot have {shown}: not every system allows that.")
    if name.startswith(".") or name.endswith("."):
        raise BadArgument("A name cannot begin or end with a full stop: the file would be hidden, or lost on Windows.")
    if RESERVED.fullmatch(name.split(".")[0].strip()):
        raise BadArgument(f"{name} is the name of a device on Windows. Choose another one.")
    if len((name + path.suffix).encode()) > MAX_NAME_BYTES:
        raise BadArgument("This name is too long.")
    return path.with_name(name + path.suffix)


def rename(path: str, name: str) -> str:
    """Rename the file and return its new path. Never replaces another file. Raises BadArgument."""
    source = Path(path)
    target = target_of(source, name)
    try:
        portable.rename_new(source, target)
    except FileExistsError:
        raise BadArgument(f"There is already a file {target.name} in this folder. Choose another name.") from None
    except OSError as error:
        raise BadArgument(f"{source.name} cannot be renamed ({error.strerror or error}).") from error
    return os.fspath(target.as_posix())
