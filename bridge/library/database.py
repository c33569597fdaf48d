"""The database: one SQLite file that several threads and processes read while one of them writes."""

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
BUSY_TIMEOUT_S = 2.0  # each writer holds the lock for less than a millisecond
OPEN_TIMEOUT_S = 5.0
APPLICATION_ID = int.from_bytes(b"Clip")
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
# Migrations, one per version; `user_version` counts those applied. Never change one, only append.
MIGRATIONS = (
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
VERSION = len(MIGRATIONS)
# The full-text index, maintained by triggers. A SQLite without FTS5 drops them; one with FTS5 rebuilds the index.
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
    """The file of the user's library."""
    return portable.data_folder() / FILE


def connect(file: Path) -> sqlite3.Connection:
    """Connect to the library, creating it if necessary. The connection may be used by one thread at a time; outside of
    `transaction` each statement is its own transaction. Waits at most BUSY_TIMEOUT_S for another writer.

    Raises LibraryError.
    """
    with sentence(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(file, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        try:
            _use_wal(connection)
            # Rows survive a crash of the program. A power cut may cost the last ones, but the clips are still in the folder.
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA wal_autocheckpoint = 0")  # see `checkpoint`
            _prepare(connection)
        except BaseException:
            connection.close()
            raise
    return connection


@contextlib.contextmanager
def opened(file: Path) -> Iterator[sqlite3.Connection]:
    """A connection for one block. Raises LibraryError, also for errors inside the block."""
    with contextlib.closing(connect(file)) as connection, sentence(file):
        yield connection


def put_aside_if_damaged(file: Path) -> Path | None:
    """Check the whole file. If it is damaged, rename it and return its new name; the next `connect` creates a new one.
    Raises LibraryError."""
    with sentence(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(file.with_suffix(".lock"), timeout=OPEN_TIMEOUT_S):  # two daemons must not both rename it
                return _put_aside(file) if file.is_file() and _is_damaged(file) else None
        except Timeout as error:
            raise LibraryError(f"Another Clipbridge is opening the library {file}; try again.") from error


def checkpoint(connection: sqlite3.Connection) -> None:
    """Move the write-ahead log into the main file, so that the log does not grow.

    SQLite would do it inside any write, and both this and the first write after it wait for the disk; but the event loop
    writes too, and must not wait.
    """
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    # The first write after a checkpoint, without an effect.
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def has_index(connection: sqlite3.Connection) -> bool:
    """Whether there is a full-text index; without one, texts are scanned with LIKE."""
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
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit the block as a whole, or roll it back if it raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def sentence(file: Path) -> Iterator[None]:
    """Turn errors of SQLite and the disk about `file` into a LibraryError that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        if _code(error) in DAMAGED:
            why = f"The library {file} is damaged. The next clipbridge run renames it and builds a new one."
        else:
            why = f"The library {file} cannot be used ({error}). Check its disk and its permissions."
        raise LibraryError(why) from error
    except OSError as error:
        raise LibraryError(f"The library {file} cannot be used ({error.strerror or error}).") from error


def _prepare(connection: sqlite3.Connection) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise LibraryError(
            f"The library was written by a newer Clipbridge (version {version} of its tables; this one knows {VERSION}). "
            "Update Clipbridge; the library stays as it is."
        )
    indexed = has_full_text(connection)
    if version == VERSION and has_index(connection) == indexed:
        return
    with transaction(connection):
        version = connection.execute("PRAGMA user_version").fetchone()[0]  # another process may have migrated it by now
        for statement in (statement for step in MIGRATIONS[version:] for statement in step):
            connection.execute(statement)
        if indexed and not has_index(connection):
            for statement in FULL_TEXT:
                connection.execute(statement)
        elif not indexed:
            for trigger in TRIGGERS:
                connection.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        connection.execute(f"PRAGMA user_version = {max(version, VERSION)}")
    if not indexed:
        log.warning(
            "this Python's SQLite has no full-text search (FTS5): clips are searched without an index, which is slower"
        )


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging: readers do not block the writer. Retries, since SQLite refuses at once while another
    process does the same."""
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
    with contextlib.closing(sqlite3.connect(file, timeout=OPEN_TIMEOUT_S)) as connection:
        try:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok")
        except sqlite3.DatabaseError as error:
            if _code(error) in DAMAGED:
                return True
            raise


def _put_aside(file: Path) -> Path:
    """Rename the database and its log files."""
    now, number = time.strftime("%Y%m%d-%H%M%S"), 0
    while (aside := file.with_name(f"{file.stem}.damaged-{now}{f'-{number}' * bool(number)}{file.suffix}")).exists():
        number += 1
    portable.replace(file, aside)
    for suffix in ("-wal", "-shm"):
        companion = file.with_name(file.name + suffix)
        if companion.exists():
            portable.replace(companion, aside.with_name(aside.name + suffix))
    return aside


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF  # without the extended part of the code
