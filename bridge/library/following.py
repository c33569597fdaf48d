"""A folder is followed: what is new in it is added, what was renamed or moved is recognised, what is gone is not found."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bridge.domain import recipe
from bridge.errors import BadRecipe
from bridge.files.tags import recipe_in
from bridge.library import clips, database

SUFFIXES = (".wav", ".flac", ".aif", ".aiff")
MAX_LIBRARY_FILES = 200_000
HASH_BYTES = 16
REST_EVERY = 256  # files; then others may go on, and the log of the database is brought in

Stamp = tuple[int, int]
"""Size in bytes and time of change in ns: a file with the same ones is taken to be the same."""


@dataclass(slots=True)
class Changes:
    """What one look found. `present`: clips of ours that lie in the folder."""

    added: int = 0
    moved: int = 0
    gone: int = 0
    present: int = 0


class Follower:
    """Compares `folder` with the library, as often as it is told to. Files without a recipe are somebody else's: they are
    remembered, so that each is read once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._foreign: dict[str, Stamp] = {}

    def look(self, connection: sqlite3.Connection) -> Changes:
        """Compare once. Nothing is changed while the folder is not there (an unplugged drive). Raises sqlite3.Error."""
        changes = Changes()
        # The library first: a clip that is added meanwhile is in the folder before.
        known = _known(connection, self.folder)
        here = files(self.folder)
        if here is None:
            return changes
        self._foreign = {path: stamp for path, stamp in self._foreign.items() if here.get(path) == stamp}
        for number, (path, stamp) in enumerate(here.items()):
            if number % REST_EVERY == REST_EVERY - 1:
                time.sleep(0.001)  # the event loop is in this process
                if changes.added or changes.moved:
                    database.checkpoint(connection)
            number_of_row, *seen, gone = known.get(path, (0, 0, 0, False))
            if (*seen,) != stamp:
                if self._foreign.get(path) != stamp:
                    with contextlib.suppress(sqlite3.IntegrityError):  # the daemon added it meanwhile
                        self._read(connection, path, stamp, number_of_row, here, changes)
            elif gone:
                connection.execute("UPDATE clips SET gone = 0 WHERE id = ?", (number_of_row,))
                changes.added += 1
        if len(here) < MAX_LIBRARY_FILES:
            for path, (number_of_row, _, _, gone) in known.items():
                if path not in here and not gone:
                    left = connection.execute(
                        "UPDATE clips SET gone = 1 WHERE id = ? AND path = ?", (number_of_row, path)
                    )
                    changes.gone += left.rowcount
        changes.present = sum(path not in self._foreign for path in here)
        return changes

    def _read(
        self,
        connection: sqlite3.Connection,
        path: str,
        stamp: Stamp,
        row: int,
        here: dict[str, Stamp],
        changes: Changes,
    ) -> None:
        """A file that is new at `path`, or another one than before (then `row` is the one that it had)."""
        try:
            alike = connection.execute("SELECT id, path, hash FROM clips WHERE size = ?", (stamp[0],)).fetchall()
            content = hash_of(Path(path)) if alike else b""
            same = [(number, other) for number, other, hash in alike if hash == content]
            if row and any(number == row for number, _ in same):  # only its time has changed
                connection.execute("UPDATE clips SET mtime_ns = ?, gone = 0 WHERE id = ?", (stamp[1], row))
                return
            for number, other in same:
                if not self._is_there(other, here):
                    _move(connection, number, row, path, stamp, self.folder)
                    changes.moved += 1
                    return
            text = recipe_in(Path(path))
            file = clips.File(path, *stamp, content or hash_of(Path(path)))
            clips.add(connection, file, self.folder, recipe.read(text), text)
            changes.added += not row
        except BadRecipe:
            if row:  # edited by a program that drops what it does not know: still our clip
                file_hash = hash_of(Path(path))
                connection.execute(
                    "UPDATE clips SET size = ?, mtime_ns = ?, hash = ?, gone = 0 WHERE id = ?", (*stamp, file_hash, row)
                )
            else:
                self._foreign[path] = stamp
        except OSError:
            self._foreign[path] = stamp  # gone again, or not for us to read; looked at again when it changes

    def _is_there(self, path: str, here: dict[str, Stamp]) -> bool:
        if path in here:
            return True
        inside = path.startswith(self.folder.as_posix().rstrip("/") + "/")
        return not inside and os.path.exists(path)


def files(folder: Path) -> dict[str, Stamp] | None:
    """All sound files in a folder and below it, by path with `/`; None if the folder is not there. Hidden folders and links
    to folders are left out, as are names that are no text."""
    if not folder.is_dir():
        return None
    return dict(_walk(str(folder)))


def hash_of(file: Path) -> bytes:
    """What tells the content of a file from others. Raises OSError."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, lambda: hashlib.blake2b(digest_size=HASH_BYTES)).digest()


def _walk(folder: str) -> Iterator[tuple[str, Stamp]]:
    waiting, found = [folder], 0
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:  # removed meanwhile, or not for us
            for entry in entries:
                if entry.name.startswith(".") or not _is_text(entry.path):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif entry.name.lower().endswith(SUFFIXES) and entry.is_file():
                    stat = entry.stat()
                    yield entry.path.replace(os.sep, "/"), (stat.st_size, stat.st_mtime_ns)
                    found += 1
                    if found >= MAX_LIBRARY_FILES:
                        return


def _known(connection: sqlite3.Connection, folder: Path) -> dict[str, tuple[int, int, int, bool]]:
    inside = folder.as_posix().rstrip("/")
    rows = connection.execute(  # all paths that begin with it: "0" comes right after "/"
        "SELECT path, id, size, mtime_ns, gone FROM clips WHERE path > ? AND path < ?", (f"{inside}/", f"{inside}0")
    )
    return {path: (number, size, mtime_ns, bool(gone)) for path, number, size, mtime_ns, gone in rows}


def _move(connection: sqlite3.Connection, number: int, row: int, path: str, stamp: Stamp, folder: Path) -> None:
    """Clip `number` lies at `path` now; what was there before (`row`) is no more."""
    note, bpm, text = connection.execute("SELECT note, bpm, recipe FROM clips WHERE id = ?", (number,)).fetchone()
    try:
        loop = recipe.read(text).prompt.loop
    except BadRecipe:
        loop = False
    words = clips.tags(path, folder, note, bpm, loop)
    connection.execute("BEGIN IMMEDIATE")
    try:
        if row:
            connection.execute("DELETE FROM clips WHERE id = ?", (row,))
        connection.execute(
            "UPDATE clips SET path = ?, name = ?, tags = ?, size = ?, mtime_ns = ?, gone = 0 WHERE id = ?",
            (path, PurePosixPath(path).stem, words, *stamp, number),
        )
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
