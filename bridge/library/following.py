"""Follow a folder: add new clips, recognise renamed and moved ones, and hide those that are gone."""

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
from bridge.files.tags import SUFFIXES, recipe_in
from bridge.library import clips, database
from bridge.system.spelling import on_disk

MAX_LIBRARY_FILES = 200_000
HASH_BYTES = 16
REST_EVERY = 256  # files; then yield to other threads and checkpoint the database

Stamp = tuple[int, int]
"""Size in bytes and modification time in ns: a file with the same stamp counts as unchanged."""


@dataclass(slots=True)
class Changes:
    """The result of a scan, in numbers of clips. `present`: Clipbridge's clips in the folder."""

    added: int = 0
    moved: int = 0
    gone: int = 0
    present: int = 0


class Follower:
    """Compares `folder` with the library at each `scan`. Files without a recipe are not ours; they are remembered, so that each
    is read only once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._foreign: dict[str, Stamp] = {}
        self._is_first = True

    def scan(self, connection: sqlite3.Connection) -> Changes:
        """Compare the folder with the library. Changes nothing while the folder is missing (an unplugged drive). Raises
        sqlite3.Error."""
        changes = Changes()
        self.folder = on_disk(self.folder)
        if self._is_first:
            self._is_first = False
            _join_spellings(connection)
        # Read the library first: a clip that is added to it in the meantime is already in the folder.
        known = _known(connection, self.folder)
        present = files(self.folder)
        if present is None:
            return changes
        self._foreign = {path: stamp for path, stamp in self._foreign.items() if present.get(path) == stamp}
        for number, (path, stamp) in enumerate(present.items()):
            if number % REST_EVERY == REST_EVERY - 1:
                time.sleep(0.001)  # the event loop is in this process
                if changes.added or changes.moved:
                    database.checkpoint(connection)
            row, *seen, gone = known.get(path, (0, 0, 0, False))
            if (*seen,) != stamp:
                if self._foreign.get(path) != stamp:
                    with contextlib.suppress(sqlite3.IntegrityError):  # the daemon added it in the meantime
                        self._read(connection, path, stamp, row, present, changes)
            elif gone:
                connection.execute("UPDATE clips SET gone = 0 WHERE id = ?", (row,))
                changes.added += 1
        if len(present) < MAX_LIBRARY_FILES:
            for path, (row, _, _, gone) in known.items():
                if path not in present and not gone:
                    update = connection.execute("UPDATE clips SET gone = 1 WHERE id = ? AND path = ?", (row, path))
                    changes.gone += update.rowcount
        changes.present = sum(path not in self._foreign for path in present)
        return changes

    def _read(
        self,
        connection: sqlite3.Connection,
        path: str,
        stamp: Stamp,
        row: int,
        present: dict[str, Stamp],
        changes: Changes,
    ) -> None:
        """Record the file at `path`, which is new or has changed; `row` is the row that had this path, or 0."""
        try:
            alike = connection.execute("SELECT id, path, hash FROM clips WHERE size = ?", (stamp[0],)).fetchall()
            content = hash_of(Path(path)) if alike else b""
            same = [(number, other) for number, other, hash in alike if hash == content]
            if row and any(number == row for number, _ in same):  # only its modification time has changed
                connection.execute("UPDATE clips SET mtime_ns = ?, gone = 0 WHERE id = ?", (stamp[1], row))
                return
            for number, other in same:
                if not self._exists(other, present):
                    _move(connection, number, row, path, stamp, self.folder)
                    changes.moved += 1
                    return
            text = self._recipe_of(connection, path, row)
            file = clips.File(path, *stamp, content or hash_of(Path(path)))
            clips.add(connection, file, self.folder, recipe.read(text), text)
            changes.added += not row
        except BadRecipe:
            if row:  # edited by a program that drops unknown tags: still our clip
                file_hash = hash_of(Path(path))
                connection.execute(
                    "UPDATE clips SET size = ?, mtime_ns = ?, hash = ?, gone = 0 WHERE id = ?", (*stamp, file_hash, row)
                )
            else:
                self._foreign[path] = stamp
        except OSError:
            self._foreign[path] = stamp  # gone again, or unreadable; read again when it changes

    def _recipe_of(self, connection: sqlite3.Connection, path: str, row: int) -> str:
        """The recipe in the file, or for a new one that of the clip after which it is named: many converters keep no tags.
        Raises BadRecipe, OSError."""
        try:
            return recipe_in(Path(path))
        except BadRecipe:
            if text := "" if row else clips.recipe_of(connection, path):
                return text
            raise

    def _exists(self, path: str, present: dict[str, Stamp]) -> bool:
        if path in present:
            return True
        inside = path.startswith(self.folder.as_posix().rstrip("/") + "/")
        return not inside and os.path.exists(path)


def _join_spellings(connection: sqlite3.Connection) -> None:
    """Give every clip the one spelling of its path. Rows of one file become one: earlier versions added a clip for each link
    to its folder."""
    paths = [path for (path,) in connection.execute("SELECT path FROM clips")]
    spelled = {folder: on_disk(Path(folder)).as_posix().rstrip("/") for folder in {_split(path)[0] for path in paths}}
    moves = [(path, f"{spelled[folder]}/{name}") for path in paths for folder, name in [_split(path)]]
    for path, one in moves:
        if path != one:
            with database.transaction(connection):
                connection.execute(
                    """UPDATE clips SET (rating, favourite, job) = (SELECT max(clips.rating, other.rating),
                    max(clips.favourite, other.favourite), CASE clips.job WHEN '' THEN other.job ELSE clips.job END
                    FROM clips AS other WHERE other.path = ?) WHERE path = ?""",
                    (path, one),
                )
                connection.execute("UPDATE OR IGNORE clips SET path = ? WHERE path = ?", (one, path))
                connection.execute(
                    "DELETE FROM clips WHERE path = ?", (path,)
                )  # the row of that spelling has its values


def _split(path: str) -> tuple[str, str]:
    folder, _, name = path.rpartition("/")
    return folder, name


def files(folder: Path) -> dict[str, Stamp] | None:
    """Path (with `/`) → stamp of the audio files in a folder and below, at most MAX_LIBRARY_FILES; None if the folder is
    missing. Hidden files and folders, links to folders and names that are not valid Unicode are left out."""
    if not folder.is_dir():
        return None
    return dict(_walk(str(folder)))


def hash_of(file: Path) -> bytes:
    """A digest of a file's content, HASH_BYTES long. Raises OSError."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, lambda: hashlib.blake2b(digest_size=HASH_BYTES)).digest()


def _walk(folder: str) -> Iterator[tuple[str, Stamp]]:
    pending, count = [folder], 0
    while pending:
        with (
            contextlib.suppress(OSError),
            os.scandir(pending.pop()) as entries,
        ):  # removed in the meantime, or unreadable
            for entry in entries:
                if entry.name.startswith(".") or not _is_text(entry.path):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                elif entry.name.lower().endswith(SUFFIXES) and entry.is_file():
                    stat = entry.stat()
                    yield entry.path.replace(os.sep, "/"), (stat.st_size, stat.st_mtime_ns)
                    count += 1
                    if count >= MAX_LIBRARY_FILES:
                        return


def _known(connection: sqlite3.Connection, folder: Path) -> dict[str, tuple[int, int, int, bool]]:
    inside = folder.as_posix().rstrip("/")
    rows = connection.execute(  # all paths below the folder: "0" is the character after "/"
        "SELECT path, id, size, mtime_ns, gone FROM clips WHERE path > ? AND path < ?", (f"{inside}/", f"{inside}0")
    )
    return {path: (number, size, mtime_ns, bool(gone)) for path, number, size, mtime_ns, gone in rows}


def _move(connection: sqlite3.Connection, number: int, row: int, path: str, stamp: Stamp, folder: Path) -> None:
    """Record that clip `number` is at `path` now, and remove the row that had this path (0: none)."""
    note, bpm, text = connection.execute("SELECT note, bpm, recipe FROM clips WHERE id = ?", (number,)).fetchone()
    try:
        loop = recipe.read(text).prompt.loop
    except BadRecipe:
        loop = False
    words = clips.tags(path, folder, note, bpm, loop)
    with database.transaction(connection):
        if row:
            connection.execute("DELETE FROM clips WHERE id = ?", (row,))
        connection.execute(
            "UPDATE clips SET path = ?, name = ?, tags = ?, size = ?, mtime_ns = ?, gone = 0 WHERE id = ?",
            (path, PurePosixPath(path).stem, words, *stamp, number),
        )


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
