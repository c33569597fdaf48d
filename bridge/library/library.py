"""The library: the record of all clips and of the jobs that were accepted. The event loop calls it and never waits for it,
except for the moment (a tenth of a millisecond) that recording an accepted job takes."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bridge.domain.clip import TakeFile
from bridge.domain.job import Job
from bridge.domain.recipe import Recipe, conditions, write
from bridge.errors import LibraryError
from bridge.library import clips, database, records
from bridge.library.clips import Clip, Query
from bridge.library.following import Follower, hash_of
from bridge.library.records import Interrupted
from bridge.library.writing import Writer
from bridge.system.watch import Watch

log = logging.getLogger("clipbridge")

RECORDING_PATIENCE_MS = 10  # for another writer; then the record waits its turn instead of the ask
WRITER_TIMEOUT_S = 1.0
LOOKED_S = 5.0
LOOK_EVERY_S = 60.0
REST = 20.0  # looks take one part in so many of the time, however large the folder is
LEAST_REST_S = 0.3
CLOSE_S = 3.0


class Library:
    """`file`: the database; `folder`: the sample folder that is followed. Nothing is opened before `start`; what is
    recorded before is written then. Where there can be no library, all goes on without one."""

    def __init__(self, file: Path, folder: Path) -> None:
        self.file, self.folder = file, folder.absolute()
        self.session = records.session()
        self._fault = LibraryError("The library is not open yet; ask again in a moment.")
        self._writer = Writer(file)
        self._records: sqlite3.Connection | None = None
        self._accepted: set[int] = set()
        self._open, self._off = False, False
        self._follower = Follower(self.folder)
        self._looked, self._over, self._next_look = threading.Event(), threading.Event(), 0.0
        self._watch = Watch(self.folder, self._look, recursive=True, every_s=LOOK_EVERY_S)

    def start(self) -> None:
        """Open it and follow the folder. A fault is logged, and told to whoever asks the library something."""
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
                "the library was damaged: it is kept as %s, and a new one is made from the sample folder", aside
            )
        self._open = True
        self._writer.start()
        self._watch.start()

    def close(self) -> None:
        """Write what waits and end, within seconds."""
        self._off = True
        self._over.set()
        if self._open:
            self._open = False
            self._writer.close(CLOSE_S)
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
            except sqlite3.Error as error:  # the ask matters more than its record, which comes a little later now
                log.info("a job could not be recorded at once: %s", error)
        self._writer.offer(lambda connection: records.accept(connection, row))

    def delivered(self, job: Job, takes: Sequence[TakeFile]) -> None:
        """The clips of a job are in the folder."""
        if self._off or job.model is None:
            return
        prompt, model, key = job.prompt, job.model, records.key_of(job, self.session)
        made = [
            (take, Recipe(prompt, take.take, conditions(model)), write(prompt, model, take.take))
            for take in takes
            if take.path
        ]
        self._writer.offer(lambda connection: self._add(connection, key, made))

    def ended(self, job: Job) -> None:
        """A job was done, failed or cancelled; after `delivered`, if there is a clip."""
        if job.serial in self._accepted:
            self._accepted.discard(job.serial)
            key = records.key_of(job, self.session)
            self._writer.offer(lambda connection: records.end(connection, key))

    def asked_again(self, job: Interrupted) -> None:
        """A claimed job is on its way as another one."""
        self._writer.offer(lambda connection: records.end(connection, job.key))

    def release(self, claimed: list[Interrupted]) -> None:
        """These could not be asked for again: they stay interrupted."""
        self._writer.offer(lambda connection: records.release(connection, claimed))

    # ---- questions: they wait for the disk, so they are not for the event loop. All raise LibraryError ----

    def find(self, query: Query) -> list[Clip]:
        """The clips that are looked for; those that were told as done are among them."""
        with database.opened(self._settled()) as connection:
            return clips.find(connection, query)

    def change(self, path: str, **values: Any) -> Clip:
        """Set `rating` (0 to 5) or `favourite` of the clip at `path`. Raises UnknownClip."""
        with database.opened(self._settled()) as connection:
            return clips.change(connection, path, **values)

    def interrupted(self) -> list[Interrupted]:
        """The jobs that a crash interrupted."""
        with database.opened(self._looked_through()) as connection:
            return records.interrupted(connection)

    def claim(self) -> list[Interrupted]:
        """The same, for somebody who asks for them again: nobody else gets them meanwhile."""
        with database.opened(self._looked_through()) as connection:
            return records.claim(connection, self.session)

    def _settled(self) -> Path:
        if not self._open:
            raise self._fault
        self._writer.settle(WRITER_TIMEOUT_S)
        return self.file

    def _looked_through(self) -> Path:
        """A clip that was complete when the last daemon was killed is not to be made twice."""
        file = self._settled()
        self._looked.wait(LOOKED_S)
        return file

    # ---- on threads of their own ----

    def _add(self, connection: sqlite3.Connection, job: str, made: list[tuple[TakeFile, Recipe, str]]) -> None:
        """All takes at once: with one of them in, the job counts as served."""
        found = []
        for take, read, text in made:
            path = Path(take.path)
            try:
                stat = path.stat()
                file = clips.File(take.path, stat.st_size, stat.st_mtime_ns, hash_of(path))
                found.append((file, read, text, take.seconds))
            except OSError as error:  # a host took it away at once; wherever it is in the folder, a look finds it
                log.info("a clip is not where it was delivered: %s", error)
        connection.execute("BEGIN IMMEDIATE")
        try:
            for file, read, text, seconds in found:
                clips.add(connection, file, self.folder, read, text, job, seconds)
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise

    def _look(self) -> None:
        """Follow the folder; called by the watch."""
        self._over.wait(max(0.0, self._next_look - time.monotonic()))
        if self._over.is_set():
            return
        began = time.monotonic()
        with database.opened(self.file) as connection:
            changes = self._follower.look(connection)
            if not self._looked.is_set():
                records.settle(connection)
                if left := len(records.interrupted(connection)):
                    log.warning("%d jobs were interrupted by a crash; to ask for them again: clipbridge resume", left)
        self._looked.set()
        if changes.added or changes.moved or changes.gone:
            log.info("library: %d clips new, %d moved, %d gone", changes.added, changes.moved, changes.gone)
        took = time.monotonic() - began
        self._next_look = time.monotonic() + max(LEAST_REST_S, REST * took)
