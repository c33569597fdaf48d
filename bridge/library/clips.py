"""Clips in the library: add and rate them."""

from __future__ import annotations

import dataclasses
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from bridge.domain.clip import clip_name_in
from bridge.domain.recipe import Recipe, read
from bridge.domain.source import Source
from bridge.errors import BadRecipe, UnknownClip
from bridge.system.spelling import on_disk


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip in a folder. `path`: absolute, with `/`; `bpm`: 0 and `note`: "" if none was requested and met; `added_at`: seconds since
    1970; `take`: of its job, from 1; `bars`: 0 and `key`: "" if none were requested and met; `loop`: its
    end runs into its beginning. `source`: what it was made from. `number`: by which an ask can name it."""

    path: str
    prompt: str
    seconds: float
    bpm: float
    note: str
    seed: int
    preset: str
    tags: str
    model: str
    rating: int
    favourite: bool
    added_at: float
    take: int = 1
    bars: float = 0.0
    key: str = ""
    loop: bool = False
    source: Source | None = None
    number: int = 0


APART = ("take", "bars", "key", "loop", "source", "number")  # all but the number are in the recipe
COLUMNS = ", ".join(
    [
        *(f"clips.{field.name}" for field in dataclasses.fields(Clip) if field.name not in APART),
        "clips.id",
        "clips.recipe",
    ]
)


@dataclass(frozen=True, slots=True)
class File:
    """A file without its content. `path`: absolute, with `/`; `size`: bytes; `hash`: of the content."""

    path: str
    size: int
    mtime_ns: int
    hash: bytes


def add(
    connection: sqlite3.Connection,
    file: File,
    folder: Path,
    recipe: Recipe,
    text: str,
    job: str = "",
    seconds: float | None = None,
) -> None:
    """Add a clip, or update the one at its path and keep its rating. `folder`: the sample folder; `text`: the `recipe` as
    written in the file; `job`: the key of its job's record, "" if unknown; `seconds`: its actual length, None to take the
    prompt's."""
    prompt = recipe.prompt.claimed
    row = {
        "path": file.path,
        "name": PurePosixPath(file.path).stem,
        "hash": file.hash,
        "size": file.size,
        "mtime_ns": file.mtime_ns,
        "prompt": prompt.text,
        "preset": prompt.preset,
        "tags": tags(file.path, folder, prompt.note, prompt.bpm, prompt.loop),
        "seconds": prompt.seconds if seconds is None else seconds,
        "bpm": prompt.bpm,
        "note": prompt.note,
        "seed": prompt.seed_of(recipe.take),
        "model": str(recipe.conditions.get("model", ""))[:200],
        "recipe": text,
        "job": job,
        "added_at": time.time(),
    }
    unchanged = ("path", "job", "added_at")
    changes = ", ".join(f"{name} = excluded.{name}" for name in row if name not in unchanged)
    connection.execute(
        f"INSERT INTO clips ({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)}) ON CONFLICT (path) DO UPDATE SET "
        f"{changes}, gone = 0, job = CASE excluded.job WHEN '' THEN job ELSE excluded.job END",
        row,
    )


def tags(path: str, folder: Path, note: str, bpm: float, loop: bool) -> str:
    """Search words besides the prompt: the sub-folders of the clip, its note, its tempo, "loop"."""
    root = folder.as_posix().rstrip("/") + "/"
    parts = path.removeprefix(root).split("/")[:-1] if path.startswith(root) else []
    return " ".join(filter(None, [*parts, note, f"{bpm:g}bpm" if bpm else "", "loop" if loop else ""]))


def recipe_of(connection: sqlite3.Connection, path: str) -> str:
    """The recipe of the clip at `path`, or else of the clip from which the file was made, by its name; "" if there is none.
    For files from which a program has dropped it."""
    for column, value in (("path", path), ("name", clip_name_in(PurePosixPath(path).stem))):
        row = connection.execute(f"SELECT recipe FROM clips WHERE {column} = ? ORDER BY gone, id", (value,)).fetchone()
        if row is not None:
            return str(row[0])
    return ""


def is_clip(connection: sqlite3.Connection, path: str) -> bool:
    """Whether there is a clip at exactly `path`."""
    return connection.execute("SELECT 1 FROM clips WHERE path = ? AND gone = 0", (path,)).fetchone() is not None


def file_of(connection: sqlite3.Connection, number: int) -> Path:
    """The file of a clip by its number. Raises UnknownClip."""
    row = connection.execute("SELECT path FROM clips WHERE id = ? AND gone = 0", (number,)).fetchone()
    if row is None:
        raise UnknownClip(f"The library has no clip {number}: clipbridge find and /bridge/clip show the numbers.")
    return Path(row[0])


def newest(connection: sqlite3.Connection) -> Path | None:
    """The file of the clip that was added last; None if there is none."""
    row = connection.execute("SELECT path FROM clips WHERE gone = 0 ORDER BY id DESC LIMIT 1").fetchone()
    return None if row is None else Path(row[0])


def change(connection: sqlite3.Connection, path: str, look: bool = True, **values: Any) -> Clip:
    """Set the `rating` or `favourite` of the clip at `path`. With `look`, an unknown path is also looked up on the disk, because it
    may be another spelling of a known one; the disk may be slow. Raises UnknownClip."""
    (name, value), *_ = values.items()
    assert name in ("rating", "favourite")
    if not _set(connection, path, name, value):
        spelled = on_disk(Path(path)).as_posix() if look else path
        if spelled == path or not _set(connection, spelled, name, value):
            raise UnknownClip(
                f"The library has no clip {path[:200]!r}. Send the whole path, as /bridge/done and /bridge/clip state it."
            )
        path = spelled
    return clip_of(connection.execute(f"SELECT {COLUMNS} FROM clips WHERE path = ?", (path,)).fetchone())


def _set(connection: sqlite3.Connection, path: str, name: str, value: int) -> bool:
    """Whether there is a clip at exactly `path`; it is changed."""
    terms = "WHERE path = ? AND gone = 0"
    return connection.execute(f"UPDATE clips SET {name} = ? {terms}", (int(value), path)).rowcount > 0


def clip_of(row: Sequence[Any]) -> Clip:
    """The clip of a row of COLUMNS."""
    *values, number, text = row
    clip = dataclasses.replace(Clip(*values), number=number)
    try:
        recipe = read(text)
    except BadRecipe:  # of an earlier version
        return dataclasses.replace(clip, favourite=bool(clip.favourite))
    prompt = recipe.prompt.claimed
    more: dict[str, Any] = {"take": recipe.take, "bars": prompt.bars, "key": prompt.key, "loop": prompt.loop}
    more |= {"source": prompt.source}
    return dataclasses.replace(clip, favourite=bool(clip.favourite), **more)
