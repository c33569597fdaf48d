"""`clipbridge import FOLDER`: add the clips of a folder to the library, from the recipes in the files."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

from bridge.errors import BadArgument
from bridge.library import database
from bridge.library.following import Follower


def main(options: argparse.Namespace) -> int:
    """Compare the folder with the library and print the changes. Raises BadArgument or LibraryError."""
    try:
        folder = Path(options.folder).expanduser().absolute()
        exists = folder.is_dir()
    except (OSError, RuntimeError, ValueError) as error:  # an invalid name, or an unknown user
        raise BadArgument(f"{options.folder[:200]!r} is not a folder ({error}).") from error
    if not exists:
        raise BadArgument(f"There is no folder {folder}.")
    database.put_aside_if_damaged(database.place())
    with database.opened(database.place()) as connection:
        changes = Follower(folder).scan(connection)
    if options.json:
        print(json.dumps(dataclasses.asdict(changes)))
    else:
        clips = "clip" if changes.present == 1 else "clips"
        print(f"{changes.present} {clips} in {folder}: {changes.added} new, {changes.moved} moved, {changes.gone} gone")
    return 0
