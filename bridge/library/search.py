"""Search the library."""

from __future__ import annotations

import sqlite3
import unicodedata
from dataclasses import dataclass
from typing import Any

from bridge.domain.limits import Range
from bridge.library import database
from bridge.library.clips import COLUMNS, Clip, clip_of

VARIANTS = "\ufe0e\ufe0f"  # of emoji: black or coloured
MAX_WORDS, MAX_WORD_CHARACTERS = 20, 80  # of a search; more would not narrow it down

BY: dict[str, str] = {  # the columns of each of ORDERS
    "best": "",  # by how well the words match, then the newest
    "newest": "clips.id DESC",
    "oldest": "clips.id",
    "prompt": "clips.prompt COLLATE NOCASE, clips.id DESC",
    "shortest": "clips.seconds, clips.id DESC",
    "longest": "clips.seconds DESC, clips.id DESC",
    "slowest": "clips.bpm = 0, clips.bpm, clips.id DESC",  # those without a tempo come last
    "fastest": "clips.bpm DESC, clips.id DESC",
    "rating": "clips.rating DESC, clips.favourite DESC, clips.id DESC",
}
TEXT_LIKE = "clips.prompt || ' ' || clips.name || ' ' || clips.preset || ' ' || clips.tags LIKE ? ESCAPE '\\'"


@dataclass(frozen=True, slots=True)
class Query:
    """A search. `words`: each must begin a word of the prompt, the file name, the preset or the tags; words of scripts that set
    no spaces or join words, and emoji, may be anywhere. "" matches any clip. None matches any value. `order`: one of ORDERS;
    the first `offset` clips are left out."""

    words: str = ""
    bpm: Range | None = None
    seconds: Range | None = None
    note: str | None = None
    key: str | None = None  # as in musical_keys.Key.name: "f#m"
    favourite: bool | None = None
    rating: Range | None = None
    order: str = "best"
    offset: int = 0
    limit: int = 20
    preset: str | None = None  # "": clips without one


def find(connection: sqlite3.Connection, query: Query) -> list[Clip]:
    """The clips that match `query`, in its order. Raises sqlite3.Error only for faults of the database, whatever the words are."""
    source, terms, values = _terms(connection, query)
    best = "words.rank, clips.id DESC" if source != "clips" else BY["newest"]
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM {source} WHERE {terms} ORDER BY {BY[query.order] or best} LIMIT ? OFFSET ?",
        [*values, query.limit, query.offset],
    )
    return [clip_of(row) for row in rows]


def count(connection: sqlite3.Connection, query: Query) -> int:
    """The number of all clips that match `query`, without its limit and offset."""
    source, terms, values = _terms(connection, query)
    (number,) = connection.execute(f"SELECT COUNT(*) FROM {source} WHERE {terms}", values).fetchone()
    return int(number)


def _terms(connection: sqlite3.Connection, query: Query) -> tuple[str, str, list[Any]]:
    """The tables, the condition and its values."""
    words = search_words(query.words)
    if query.words.strip() and not words:
        return "clips", "0", []  # only punctuation, which matches no clip
    source, terms = "clips", ["gone = 0"]
    values: list[Any] = []
    anywhere = [word for word in words if _may_be_inside(word)] if database.has_index(connection) else words
    if indexed := [word for word in words if word not in anywhere]:
        source = "words JOIN clips ON clips.id = words.rowid"
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
    for column, value in (("note", query.note), ("favourite", query.favourite), ("preset", query.preset)):
        if value is not None:
            terms.append(f"clips.{column} = ?")
            values.append(value)
    if query.key is not None:
        # The recipe is compact JSON, in which quotation marks inside a prompt are escaped. `unmet` has the key first.
        terms += ["instr(clips.recipe, ?) > 0", "instr(clips.recipe, ?) = 0"]
        values += [f'"key":"{query.key}"', '"unmet":["key"']
    return source, " AND ".join(terms), values


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


def _escape_like(word: str) -> str:
    """`word` with the wildcards of LIKE escaped."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
