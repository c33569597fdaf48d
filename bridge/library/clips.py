"""Clips in the library: add, find and rate them."""

from __future__ import annotations

import dataclasses
import sqlite3
import time
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from bridge.domain.limits import Range
from bridge.domain.recipe import Recipe
from bridge.errors import UnknownClip
from bridge.files.names import clip_name_in
from bridge.library import database
from bridge.system.spelling import on_disk

VARIANTS = "\ufe0e\ufe0f"  # of emoji: black or coloured
MAX_WORDS, MAX_WORD_CHARACTERS = 20, 80  # of a search; more would not narrow it down


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip in a folder. `path`: absolute, with `/`; `bpm`: 0 and `note`: "" if none was requested and met; `added_at`: seconds since
    1970."""

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


TEXT_LIKE = "clips.prompt || ' ' || clips.name || ' ' || clips.preset || ' ' || clips.tags LIKE ? ESCAPE '\\'"
COLUMNS = ", ".join(f"clips.{field.name}" for field in dataclasses.fields(Clip))


@dataclass(frozen=True, slots=True)
class Query:
    """A search. `words`: each must begin a word of the prompt, the file name, the preset or the tags; words of scripts that set
    no spaces or join words, and emoji, may be anywhere. "" matches any clip. None matches any value."""

    words: str = ""
    bpm: Range | None = None
    seconds: Range | None = None
    note: str | None = None
    key: str | None = None  # as in musical_keys.Key.name: "f#m"
    favourite: bool | None = None
    rating: Range | None = None
    limit: int = 20


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
    read: Recipe,
    text: str,
    job: str = "",
    seconds: float | None = None,
) -> None:
    """Add a clip, or update the one at its path and keep its rating. `folder`: the sample folder; `text`: the recipe as
    written in the file; `job`: the key of its job's record, "" if unknown; `seconds`: its actual length, None to take the
    prompt's."""
    prompt = read.prompt.claimed
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
        "seed": prompt.seed_of(read.take),
        "model": str(read.conditions.get("model", ""))[:200],
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


def find(connection: sqlite3.Connection, query: Query) -> list[Clip]:
    """The clips that match `query`: best match first, then newest. Raises sqlite3.Error only for faults of the database,
    whatever the words are."""
    words = search_words(query.words)
    if query.words.strip() and not words:
        return []  # only punctuation, which matches no clip
    terms = ["gone = 0"]
    values: list[Any] = []
    source, order = "clips", "id DESC"
    anywhere = [word for word in words if _may_be_inside(word)] if database.has_index(connection) else words
    if indexed := [word for word in words if word not in anywhere]:
        source, order = "words JOIN clips ON clips.id = words.rowid", "words.rank, id DESC"
        terms.append("words MATCH ?")
        values.append(" ".join(f'"{word.replace(chr(34), chr(34) * 2)}"*' for word in indexed))
    for word in anywhere:
        spellings = sorted({unicodedata.normalize(form, word) for form in ("NFC", "NFD")})  # macOS decomposes names
        terms.append(f"({' OR '.join([TEXT_LIKE] * len(spellings))})")
        values += [f"%{_escape_like(spelling)}%" for spelling in spellings]
    for column, allowed in (("bpm", query.bpm), ("seconds", query.seconds), ("rating", query.rating)):
        if allowed is not None:
            terms.append(f"{column} BETWEEN ? AND ?")
            values += [allowed.low, allowed.high]
    for column, value in (("note", query.note), ("favourite", query.favourite)):
        if value is not None:
            terms.append(f"{column} = ?")
            values.append(value)
    if query.key is not None:
        # The recipe is compact JSON, in which quotation marks inside a prompt are escaped. `unmet` has the key first.
        terms += ["instr(clips.recipe, ?) > 0", "instr(clips.recipe, ?) = 0"]
        values += [f'"key":"{query.key}"', '"unmet":["key"']
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM {source} WHERE {' AND '.join(terms)} ORDER BY {order} LIMIT ?", [*values, query.limit]
    )
    return [_clip(row) for row in rows]


def recipe_of(connection: sqlite3.Connection, path: str) -> str:
    """The recipe of the clip at `path`, or else of the clip from which the file was made, by its name; "" if there is none.
    For files from which a program has dropped it."""
    for column, value in (("path", path), ("name", clip_name_in(PurePosixPath(path).stem))):
        row = connection.execute(f"SELECT recipe FROM clips WHERE {column} = ? ORDER BY gone, id", (value,)).fetchone()
        if row is not None:
            return str(row[0])
    return ""


def search_words(text: str) -> list[str]:
    """The words of a search, each emoji one of them, without those that are only punctuation. Accepts any text."""
    text = text[: MAX_WORDS * MAX_WORD_CHARACTERS * 10]
    spaced = "".join(f" {c} " if _is_emoji(c) else c if c.isprintable() else " " for c in text if c not in VARIANTS)
    words = [word[:MAX_WORD_CHARACTERS] for word in spaced.split() if any(c.isalnum() or _is_emoji(c) for c in word)]
    return words[:MAX_WORDS]


def _may_be_inside(word: str) -> bool:
    """Whether `word` may be a part of what the index has as one word, or be missing there, as emoji are. Letters without upper
    and lower case belong to Chinese, Japanese, Korean, Thai, Arabic and such."""
    return any(unicodedata.category(c) == "Lo" or _is_emoji(c) for c in word)


def _is_emoji(character: str) -> bool:
    return unicodedata.category(character) == "So"


def change(connection: sqlite3.Connection, path: str, look: bool = True, **values: Any) -> Clip:
    """Set the `rating` or `favourite` of the clip at `path`. If there is none, `look` on the disk, which may have to be waited for:
    the path may be another spelling of the clip's. Raises UnknownClip."""
    (name, value), *_ = values.items()
    assert name in ("rating", "favourite")
    if not _set(connection, path, name, value):
        spelled = on_disk(Path(path)).as_posix() if look else path
        if spelled == path or not _set(connection, spelled, name, value):
            raise UnknownClip(
                f"The library has no clip {path[:200]!r}. Send the whole path, as /bridge/done and /bridge/clip state it."
            )
        path = spelled
    return _clip(connection.execute(f"SELECT {COLUMNS} FROM clips WHERE path = ?", (path,)).fetchone())


def _set(connection: sqlite3.Connection, path: str, name: str, value: int) -> bool:
    """Whether there is a clip at exactly `path`; it is changed."""
    terms = "WHERE path = ? AND gone = 0"
    return connection.execute(f"UPDATE clips SET {name} = ? {terms}", (int(value), path)).rowcount > 0


def _clip(row: Iterable[Any]) -> Clip:
    clip = Clip(*row)
    return dataclasses.replace(clip, favourite=bool(clip.favourite))


def _escape_like(word: str) -> str:
    """`word` with the wildcards of LIKE escaped."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
