"""`clipbridge favourite` and `clipbridge rate`: mark and rate clips in the library. They need no daemon."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
from pathlib import Path
from typing import Any

from bridge.commands.clip_table import table
from bridge.domain.fields import from_text, number
from bridge.domain.limits import RATING
from bridge.errors import UnknownClip
from bridge.library import clips, database


def main(options: argparse.Namespace) -> int:
    """Mark or rate each clip and print them. Raises BadArgument, UnknownClip or LibraryError."""
    if options.name == "rate":
        change: dict[str, Any] = {"rating": int(number(from_text(options.stars), "The rating", RATING, whole=True))}
    else:
        change = {"favourite": not options.off}
    changed = [_change(file, **change) for file in options.file]
    if options.json:
        print(json.dumps([dataclasses.asdict(clip) for clip in changed]))
    else:
        print(*table(changed), sep="\n")
    return 0


def _change(file: str, **change: Any) -> clips.Clip:
    path = Path(file).expanduser().absolute()
    with contextlib.suppress(UnknownClip):
        if database.place().is_file():
            with database.opened(database.place()) as connection:
                return clips.change(connection, path.as_posix(), **change)
    if path.is_dir():
        raise UnknownClip(f"{path} is a folder: name clips in it. clipbridge find lists them.")
    what = f"The library does not know {path}" if path.exists() else f"There is no file {path}"
    raise UnknownClip(f"{what}. clipbridge find lists the clips; clipbridge import FOLDER adds those of a folder.")
