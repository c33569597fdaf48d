"""What names a source on the command line."""

from __future__ import annotations

from pathlib import Path

from bridge.domain.source import LAST, NUMBERED


def whole(reference: str) -> str:
    """What names a source, for the daemon, which runs in another folder: a path as a whole one."""
    if not reference or reference == LAST or NUMBERED.fullmatch(reference):
        return reference
    return Path(reference).expanduser().absolute().as_posix()
