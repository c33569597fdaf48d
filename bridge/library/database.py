"""The database: one SQLite file that several threads and processes read while one writes."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from bridge.errors import LibraryError
from bridge.system import portable

log = logging.getLogger("clipbridge")

FILE = "library.db"
BUSY_TIMEOUT_S = 2.0  # for another writer: each of them writes for less than a millisecond at a time
OPENING_S = 5.0
APPLICATION_ID = int.from_bytes(b"Clip")
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
# A step for each version: `user_version` counts those that were taken. Steps are only ever added.
STEPS = (
    (
        """CREATE TABLE clips (
            id INTEGER PRIMARY KEY,
            path TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            hash BLOB NOT NULL,
            size INTEGER NOT NULL,
            mtime_ns INTEGER NOT NULL,
            prompt TEXT NOT NULL,
            preset TEXT NOT NULL,
            tags TEXT NOT NULL,
            seconds REAL NOT NULL,
            bpm REAL NOT NULL,
            note TEXT NOT NULL,
            seed INTEGER NOT NULL,
            model TEXT NOT NULL,
            recipe TEXT NOT NULL,
            job TEXT NOT NULL,
            added_at REAL NOT NULL,
            rating INTEGER NOT NULL DEFAULT 0,
            favourite INTEGER NOT NULL DEFAULT 0,
            gone INTEGER NOT NULL DEFAULT 0
        )""",
        "CREATE INDEX clips_by_content ON clips (size, hash)",
        "CREATE INDEX clips_by_job ON clips (job)",
        "CREATE TABLE jobs (key TEXT PRIMARY KEY, holder TEXT NOT NULL, asked_at REAL NOT NULL, ask TEXT NOT NULL)",
    ),
)
VERSION = len(STEPS)
# The words of clips, kept by triggers: a SQLite without FTS5 drops these, and one with it makes the index anew.
TRIGGERS = ("words_in", "words_out", "words_new")
FULL_TEXT = (
    """CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(
        prompt, name, preset, tags, content='clips', content_rowid='id',
        tokenize='unicode61 remove_diacritics 2', prefix='2 3')""",
    """CREATE TRIGGER words_in AFTER INSERT ON clips BEGIN
        INSERT INTO words (rowid, prompt, name, preset, tags)
        VALUES (new.id, new.prompt, new.name, new.preset, new.tags);
    END""",
    """CREATE TRIGGER words_out AFTER DELETE ON clips BEGIN
        INSERT INTO words (words, rowid, prompt, name, preset, tags)
        VALUES ('delete', old.id, old.prompt, old.name, old.preset, old.tags);
    END""",
    """CREATE TRIGGER words_new AFTER UPDATE OF prompt, name, preset, tags ON clips BEGIN
        INSERT INTO words (words, rowid, prompt, name, preset, tags)
        VALUES ('delete', old.id, old.prompt, old.name, old.preset, old.tags);
        INSERT INTO words (rowid, prompt, name, preset, tags)
        VALUES (new.id, new.prompt, new.name, new.preset, new.tags);
    END""",
    "INSERT INTO words (words) VALUES ('rebuild')",
)


def place() -> Path:
    """Where the user's library lies."""
    return portable.data_folder() / FILE


def connect(file: Path) -> sqlite3.Connection:
    """A connection to the library, which is made if there is none. It may be used on one thread at a time, and each
    statement is a transaction of its own. Waits at most BUSY_TIMEOUT_S seconds for another writer.

    Raises LibraryError.
    """
    with sentence(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(file, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        try:
            _use_wal(connection)
            # A clip's row survives a crash of the program; a power cut may cost the last ones, and the files are there.
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA wal_autocheckpoint = 0")  # see `checkpoint`
            _prepare(connection)
        except BaseException:
            connection.close()
            raise
    return connection


@contextlib.contextmanager
def opened(file: Path) -> Iterator[sqlite3.Connection]:
    """A connection for a moment. Raises LibraryError, also for what goes wrong with it meanwhile."""
    with contextlib.closing(connect(file)) as connection, sentence(file):
        yield connection


def put_aside_if_damaged(file: Path) -> Path | None:
    """Look through the whole file. One that is damaged gets another name, which is returned; the next `connect` begins
    a new one. Raises LibraryError."""
    with sentence(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(file.with_suffix(".lock"), timeout=OPENING_S):  # two daemons must not both put it aside
                return _put_aside(file) if file.is_file() and _is_damaged(file) else None
        except Timeout as error:
            raise LibraryError(f"Another Clipbridge is at work on the library {file}; try again.") from error


def checkpoint(connection: sqlite3.Connection) -> None:
    """Bring what was written into the main file, where many small writes would let its log grow.

    Not left to SQLite, which does it inside whichever write comes next: this and the first write after it wait for the
    disk, and the event loop writes too.
    """
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")  # changes nothing, and is a write


def finds_words(connection: sqlite3.Connection) -> bool:
    """Whether there is an index of words; else texts are searched letter by letter."""
    return bool(connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'words_in'").fetchone())


def has_full_text(connection: sqlite3.Connection) -> bool:
    """Whether this SQLite was built with FTS5."""
    try:
        connection.execute("CREATE VIRTUAL TABLE temp.trial USING fts5(word)")
        connection.execute("DROP TABLE temp.trial")
    except sqlite3.OperationalError:
        return False
    return True


@contextlib.contextmanager
def sentence(file: Path) -> Iterator[None]:
    """Turn what SQLite and the disk say about `file` into a LibraryError that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        if _code(error) in DAMAGED:
            why = f"The library {file} is damaged. The next clipbridge run puts it aside and begins a new one."
        else:
            why = f"The library {file} cannot be used ({error}). Is its disk full, or may it not be written?"
        raise LibraryError(why) from error
    except OSError as error:
        raise LibraryError(f"The library {file} cannot be used ({error.strerror or error}).") from error


def _prepare(connection: sqlite3.Connection) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise LibraryError(
            f"The library was written by a newer Clipbridge (version {version} of its tables; this one knows {VERSION}). "
            "Update Clipbridge: it is left as it is."
        )
    indexed = has_full_text(connection)
    if version == VERSION and finds_words(connection) == indexed:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]  # somebody else may have done it meanwhile
        for statement in (statement for step in STEPS[version:] for statement in step):
            connection.execute(statement)
        if indexed and not finds_words(connection):
            for statement in FULL_TEXT:
                connection.execute(statement)
        elif not indexed:
            for trigger in TRIGGERS:
                connection.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        connection.execute(f"PRAGMA user_version = {max(version, VERSION)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    if not indexed:
        log.warning(
            "this Python's SQLite has no full-text search (FTS5): clips are searched letter by letter, which is slower"
        )


def _use_wal(connection: sqlite3.Connection) -> None:
    """Readers and a writer side by side. While another process does the same, SQLite refuses at once."""
    end = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
        time.sleep(0.02)


def _is_damaged(file: Path) -> bool:
    with contextlib.closing(sqlite3.connect(file, timeout=OPENING_S)) as connection:
        try:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok")
        except sqlite3.DatabaseError as error:
            if _code(error) in DAMAGED:
                return True
            raise


def _put_aside(file: Path) -> Path:
    """Rename it, and the files that belong to it."""
    now, number = time.strftime("%Y%m%d-%H%M%S"), 0
    while (aside := file.with_name(f"{file.stem}.damaged-{now}{f'-{number}' * bool(number)}{file.suffix}")).exists():
        number += 1
    portable.replace(file, aside)
    for ending in ("-wal", "-shm"):
        beside = file.with_name(file.name + ending)
        if beside.exists():
            portable.replace(beside, aside.with_name(aside.name + ending))
    return aside


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest of it says more than is asked here
