"""Converted networks for tests: converted once in a run, and lent to the caches of daemons."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from filelock import FileLock

# At the priority of the tests: a daemon converts beside its jobs, which here would take minutes.
CONVERT = (
    "from bridge.system import portable; portable.yield_to_the_front = lambda: None; "
    "from bridge.engine.runtime import conversion; conversion.main()"
)
_place: list[Path] = []


def keep_in(place: Path) -> None:
    """Keep the starter's networks in this folder."""
    _place[:] = [place]


def convert(checkpoint: Path, name: str, cache: Path) -> None:
    """Convert the networks of a checkpoint, called `name` with its revision, unless the cache has them."""
    from bridge.engine.audioldm2 import converted  # torch
    from bridge.engine.runtime import conversions, kept

    folder = cache / conversions.FOLDER / kept.key(checkpoint, converted.FOLDERS, name)
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / "conversion.lock"):
        if folder.is_dir():
            return
        arguments = [converted.MODULE, str(checkpoint), str(folder), "1"]
        with subprocess.Popen([sys.executable, "-c", CONVERT, *arguments], stdin=subprocess.PIPE, text=True) as child:
            assert child.wait() == 0  # it ends when its input does


def starter() -> Path:
    """A cache folder with the converted networks of the starter."""
    from bridge.checkpoints.find import STARTER_FOLDER, find

    place = _place[0] if _place else Path(tempfile.gettempdir()) / "clipbridge-converted"
    checkpoint = find("starter")
    convert(STARTER_FOLDER, f"{checkpoint.name} {checkpoint.revision}", place)
    return place
