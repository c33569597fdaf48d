"""The library: the record of all clips and of accepted jobs. Calls from the event loop do not wait for the disk, except to
record an accepted job (a tenth of a millisecond)."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bridge.domain.clip import TakeFile
from bridge.domain.job import Job
from bridge.domain.recipe import Recipe, conditions, read, write
from bridge.errors import BadRecipe, LibraryError
from bridge.library import clips, database, records, search
from bridge.library.clips import Clip
from bridge.library.following import Follower, hash_of
from bridge.library.reach import reachable
from bridge.library.records import Interrupted
from bridge.library.search import Query
from bridge.library.writing import Writer
from bridge.system.spelling import on_disk
from bridge.system.watch import Watch

log = logging.getLogger("clipbridge")

RECORDING_PATIENCE_MS = 10  # for another writer; after that the record is queued, so that the ask does not wait
WRITER_TIMEOUT_S = 1.0
FIRST_SCAN_TIMEOUT_S = 5.0
SCAN_EVERY_S = 60.0
REST = 20.0  # scanning takes at most 1/REST of the time
MIN_REST_S = 0.3
CLOSE_TIMEOUT_S = 3.0


class Library:
    """Records clips and jobs in the database `file` and follows the sample folder `folder`.

    `start` opens the file and writes earlier records. If the library cannot be used, the daemon runs without it: records are
    dropped and questions raise LibraryError."""

    def __init__(self, file: Path, folder: Path) -> None:
        self.file = file
        self.session = records.session()
        self._fault = LibraryError("The library is not open yet; ask again in a moment.")
        self._writer = Writer(file)
        self._records: sqlite3.Connection | None = None
        self._accepted: set[int] = set()
        self._open, self._off = False, False
        self._follower = Follower(folder)
        self._was_scanned, self._closing, self._next_scan = threading.Event(), threading.Event(), 0.0
        self._watch = Watch(folder.absolute(), self._scan, recursive=True, every_s=SCAN_EVERY_S)

    def start(self) -> None:
        """Open the database and follow the folder. A fault is logged, and raised by later questions."""
        try:
            aside = database.put_aside_if_damaged(self.file)
            self._records = database.connect(self.file)
            self._records.execute(f"PRAGMA busy_timeout = {RECORDING_PATIENCE_MS}")
        except LibraryError as error:
            self._off, self._fault = True, error
            log.warning("clips and jobs are not recorded: %s", error)
            return
        if aside is not None:
            log.warning(
                "the library was damaged: it was renamed to %s, and a new one is built from the sample folder", aside
            )
        self._open = True
        self._writer.start()
        self._watch.start()

    def close(self) -> None:
        """Write queued records and stop, within seconds."""
        self._off = True
        self._closing.set()
        if self._open:
            self._open = False
            self._writer.close(CLOSE_TIMEOUT_S)
            self._watch.close()
            if self._records is not None:
                self._records.close()

    # ---- called by the core, on the event loop ----

    def accepted(self, job: Job) -> None:
        """Record a job before it is acknowledged."""
        if self._off:
            return
        row = records.row_of(job, self.session, time.time())
        self._accepted.add(job.serial)
        if self._records is not None:
            try:
                records.accept(self._records, row)
                return
            except sqlite3.Error as error:  # the ask must not wait for its record, which is queued
                log.info("a job could not be recorded at once: %s", error)
        self._writer.offer(lambda connection: records.accept(connection, row))

    def delivered(self, job: Job, takes: Sequence[TakeFile]) -> None:
        """Record the clips of a job; they are in the folder."""
        if self._off or job.model is None:
            return
        model, key = job.model, records.key_of(job, self.session)
        entries = [
            (take.path, Recipe(prompt, take.take, conditions(model)), write(prompt, model, take.take), take.seconds)
            for take in takes
            if take.path
            for prompt in [replace(job.prompt, unmet=take.unmet)]
        ]
        self._writer.offer(lambda connection: self._add(connection, key, entries))

    def cropped(self, path: str, text: str, seconds: float) -> None:
        """Record a part of a clip, which is in the folder; `text`: its recipe."""
        if not self._off:
            entries = [(path, read(text), text, seconds)]
            self._writer.offer(lambda connection: self._add(connection, "", entries))

    def ended(self, job: Job) -> None:
        """Forget a job that was done, failed or cancelled; call it after `delivered`."""
        if job.serial in self._accepted:
            self._accepted.discard(job.serial)
            key = records.key_of(job, self.session)
            self._writer.offer(lambda connection: records.end(connection, key))

    def asked_again(self, job: Interrupted) -> None:
        """Forget a claimed job that was resumed as a new job."""
        self._writer.offer(lambda connection: records.end(connection, job.key))

    def release(self, claimed: list[Interrupted]) -> None:
        """Return claimed jobs that could not be resumed: they stay interrupted."""
        self._writer.offer(lambda connection: records.release(connection, claimed))

    # ---- questions: they wait for the disk, so call them on another thread. All raise LibraryError ----

    def find(self, query: Query) -> tuple[list[Clip], int]:
        """The clips that match `query`, including all that /bridge/done has announced, and the number of all that match, without
        the query's limit and offset."""
        with database.opened(self._written()) as connection:
            return search.find(connection, query), search.count(connection, query)

    def recipe_of(self, file: Path) -> Recipe | None:
        """The recipe of a clip whose file has lost it: processed in place, or converted and still named after the clip. None if
        it is unknown, or the library cannot be used."""
        try:
            with database.opened(self._written()) as connection:
                return read(clips.recipe_of(connection, on_disk(file).as_posix()))
        except (LibraryError, BadRecipe):
            return None

    def audio_file(self, path: str, look: bool = True) -> Path:
        """The clip of the library, or the file below the sample folder, at `path`; `look` on the disk for another spelling of it.
        Raises UnknownClip."""
        return reachable(path, self._follower.folder, self._is_clip, look)

    def clip_file(self, number: int) -> Path:
        """The file of a clip by its number. Raises UnknownClip."""
        with database.opened(self._written()) as connection:
            return clips.file_of(connection, number)

    def newest(self) -> Path | None:
        """The file of the clip that was added last; None if there is none."""
        with database.opened(self._written()) as connection:
            return clips.newest(connection)

    def change(self, path: str, look: bool = True, **values: Any) -> Clip:
        """Set the `rating` (0 to 5) or `favourite` of the clip at `path`; `look` on the disk for another spelling of it. Raises
        UnknownClip."""
        with database.opened(self._written()) as connection:
            return clips.change(connection, path, look, **values)

    def interrupted(self) -> list[Interrupted]:
        """The jobs interrupted by a crash."""
        with database.opened(self._scanned()) as connection:
            return records.interrupted(connection)

    def claim(self) -> list[Interrupted]:
        """The interrupted jobs, claimed for this session: no other session gets them."""
        with database.opened(self._scanned()) as connection:
            return records.claim(connection, self.session)

    def _is_clip(self, file: Path) -> bool:
        try:
            with database.opened(self._written()) as connection:
                return clips.is_clip(connection, file.as_posix())
        except LibraryError:
            return False

    def _written(self) -> Path:
        if not self._open:
            raise self._fault
        self._writer.settle(WRITER_TIMEOUT_S)
        return self.file

    def _scanned(self) -> Path:
        """The database after the first scan, which finds clips that were complete when the last daemon was killed."""
        file = self._written()
        self._was_scanned.wait(FIRST_SCAN_TIMEOUT_S)
        return file

    # ---- on threads of their own ----

    def _add(self, connection: sqlite3.Connection, job: str, entries: list[tuple[str, Recipe, str, float]]) -> None:
        """Add all takes in one transaction: with one of them recorded, the job counts as served."""
        files, folder = [], on_disk(self._follower.folder)
        for name, made, text, seconds in entries:
            path = Path(name)
            path = on_disk(path.parent) / path.name  # in the folder of a link, too, a clip has one path
            try:
                stat = path.stat()
                file = clips.File(path.as_posix(), stat.st_size, stat.st_mtime_ns, hash_of(path))
                files.append((file, made, text, seconds))
            except OSError as error:  # a host moved it already; a scan finds it if it is still in the folder
                log.info("a clip is not where it was delivered: %s", error)
        with database.transaction(connection):
            for file, made, text, seconds in files:
                clips.add(connection, file, folder, made, text, job, seconds)

    def _scan(self) -> None:
        """Scan the folder; called by the watch."""
        self._closing.wait(max(0.0, self._next_scan - time.monotonic()))
        if self._closing.is_set():
            return
        began = time.monotonic()
        with database.opened(self.file) as connection:
            changes = self._follower.scan(connection)
            if not self._was_scanned.is_set():
                records.settle(connection)
                if count := len(records.interrupted(connection)):
                    log.warning("%d jobs were interrupted by a crash; resume them with: clipbridge resume", count)
        self._was_scanned.set()
        if changes.added or changes.moved or changes.gone:
            log.info("library: %d clips new, %d moved, %d gone", changes.added, changes.moved, changes.gone)
        took = time.monotonic() - began
        self._next_scan = time.monotonic() + max(MIN_REST_S, REST * took)
