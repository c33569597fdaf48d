"""The inbox folder: locks it, finds complete files, moves finished ones away. Every call may wait for a disk."""

from __future__ import annotations

import contextlib
import heapq
import logging
import os
import time
from pathlib import Path

from filelock import FileLock, Timeout

from bridge.frontends.inbox.dropped import Dropped, Stamp
from bridge.frontends.inbox.journal import JOURNAL, Journal
from bridge.frontends.inbox.partners import claimed, partner_of
from bridge.frontends.inbox.reading import CLIPS, LISTS, Known, free_names, is_for_us, read, stamp_of
from bridge.system import portable

log = logging.getLogger("clipbridge")

LOCK = ".clipbridge-inbox.lock"
UNCHANGED_S = 0.5  # a file must stay unchanged this long before it is read
LOCK_RETRY_S = 4.0
UNREADABLE_S = 5.0  # a file that cannot be read for this long goes to `failed`
MAX_FILES_IN_VIEW = 1_000  # per scan, by name; others follow when these have been moved


class InboxFolder:
    """The disk side of the inbox. Not thread-safe. Only `finish` raises OSError."""

    def __init__(self, folder: Path, samples: Path, known: Known = lambda file: None) -> None:
        self.folder, self._known = folder, known
        self.journal = Journal(folder / JOURNAL, lambda name: (folder / name).exists())
        self._samples = samples
        self._lock: FileLock | None = None
        self._fault, self._retry_at = "", 0.0
        self._tried_to_create = False
        self._seen: dict[str, tuple[Stamp, float]] = {}  # the files, and since when each is unchanged
        self._stuck: dict[str, Stamp] = {}  # finished files that could not be moved

    def ready(self) -> str:
        """Create and lock the folder if necessary. Returns a sentence if it cannot be used now, else ""."""
        try:
            if not self._tried_to_create:  # only once: a folder that vanishes later may be an unplugged disk
                self._tried_to_create = True
                self.folder.mkdir(parents=True, exist_ok=True)
            if not self.folder.is_dir():
                self.close()
                return f"{self.folder} does not exist."
            if self._lock is not None and (self.folder / LOCK).exists():
                return ""
            self.close()
            # Trying the lock changes its file, which wakes the watch of the folder, which would try again at once.
            if self._fault and time.monotonic() < self._retry_at:
                return self._fault
            self._retry_at = time.monotonic() + LOCK_RETRY_S
            self._fault = self._claim()
        except (OSError, ValueError) as error:
            self._fault = f"{self.folder} cannot be used ({getattr(error, 'strerror', None) or error})."
        return self._fault

    def _claim(self) -> str:
        if self._samples.exists() and self.folder.samefile(self._samples):
            return f"{self.folder} is the sample folder itself; choose another one with --inbox."
        self._lock = locked(self.folder / LOCK)
        if self._lock is None:
            return f"another Clipbridge uses the inbox {self.folder}."
        self.journal.load()
        return ""

    def close(self) -> None:
        """Release the lock."""
        lock, self._lock = self._lock, None
        if lock is not None:
            with contextlib.suppress(OSError):
                lock.release()

    def next(self) -> tuple[Dropped | None, bool]:
        """The first complete file, or None; and whether another file is still being written."""
        now, writing = time.monotonic(), False
        files = self._scan()
        self._seen = {name: seen for name, seen in self._seen.items() if name in files}
        self._stuck = {name: stamp for name, stamp in self._stuck.items() if files.get(name) == stamp}
        for name, stamp in files.items():
            before, since = self._seen.get(name, (None, now))
            if before != stamp:
                self._seen[name] = stamp, now
                writing = True
            elif now - since < UNCHANGED_S:
                writing = True
            elif name not in self._stuck:
                partner = partner_of(name, files)
                if not stamp.bytes and not (partner and name.lower().endswith(LISTS) and now - since > UNREADABLE_S):
                    continue  # it was just created and will be written; a text that stays empty still has its audio
                if partner and (name.lower().endswith(CLIPS) or not self._is_complete(partner, files[partner], now)):
                    writing = True  # the list comes first, once both are complete
                    continue
                source = claimed(self.folder, name, partner, self.journal)
                give_up = now - since > UNREADABLE_S
                dropped = read(self.folder, name, stamp, give_up, self._known, source)
                if dropped is not None:
                    self.journal.restore(dropped)
                    return dropped, writing
                writing = True
        return None, writing

    def _is_complete(self, name: str, stamp: Stamp, now: float) -> bool:
        before, since = self._seen.get(name, (None, now))
        return before == stamp and now - since >= UNCHANGED_S and stamp.bytes > 0

    def state_of(self, dropped: Dropped) -> str:
        """`same`, `changed` or `gone`."""
        try:
            return "same" if stamp_of(self.folder / dropped.name) == dropped.stamp else "changed"
        except FileNotFoundError:
            return "gone" if self.folder.is_dir() else "same"  # the disk may come back
        except OSError:
            return "same"

    def finish(self, dropped: Dropped) -> Path:
        """Move a file to `done` or `failed`, with a report beside it; returns the report. Raises OSError if the file cannot be
        moved; then `next` skips it until it changes."""
        target = self.folder / ("done" if dropped.succeeded else "failed")
        self._stuck[dropped.name] = dropped.stamp
        target.mkdir(exist_ok=True)
        file, report = free_names(target, dropped.name)
        written = False
        try:
            with report.open("x", encoding="utf-8", errors="backslashreplace") as opened:
                written = True
                opened.write(dropped.report())
        except OSError as error:  # such as a full disk; the file is moved nevertheless
            log.warning("the report %s could not be written: %s", report, error)
        try:
            portable.replace(self.folder / dropped.name, file)
        except OSError:
            if written:
                with contextlib.suppress(OSError):
                    report.unlink()
            raise
        del self._stuck[dropped.name]
        self.journal.forget(dropped)
        return report

    def _scan(self) -> dict[str, Stamp]:
        """The files that may be lists or clips, by name."""
        names: list[str] = []
        with contextlib.suppress(OSError), os.scandir(self.folder) as entries:
            names = heapq.nsmallest(MAX_FILES_IN_VIEW, (entry.name for entry in entries if is_for_us(entry.name)))
        files = {}
        for name in names:
            with contextlib.suppress(OSError):
                files[name] = stamp_of(self.folder / name)
        return files


def locked(file: Path) -> FileLock | None:
    """The lock `file`, held by this process; None if another one holds it. Raises OSError."""
    lock = FileLock(file, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return None
    except NotImplementedError:
        log.info("%s does not support locks: make sure that no other Clipbridge uses this folder", file.parent)
    return lock
