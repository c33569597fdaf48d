"""The inbox as a folder: which files are there whole, what was made of them, and where they go. All of it waits for disks."""

from __future__ import annotations

import contextlib
import hashlib
import heapq
import itertools
import json
import logging
import os
import secrets
import stat
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

from bridge.domain import recipe
from bridge.errors import BadArgument, BadRecipe
from bridge.files import tags
from bridge.frontends.inbox.lists import MAX_LIST_BYTES, Entry, parse
from bridge.system import portable
from bridge.system.logs import escaped
from bridge.system.writing import write_whole

log = logging.getLogger("clipbridge")

LISTS, CLIPS = (".txt", ".toml"), (".wav", ".flac", ".aif", ".aiff")
NEITHER = (".rtf", ".doc", ".docx", ".odt", ".mp3", ".m4a", ".ogg")  # dropped by mistake: the report says so
REPORT = ".report.txt"
LOCK, JOURNAL = ".clipbridge-inbox.lock", ".clipbridge-inbox.json"
UNCHANGED_S = 0.5  # so long a file stays the same before it counts as whole
LOCK_AGAIN_S = 4.0
UNREADABLE_S = 5.0  # with one that cannot be read
MAX_FILES_IN_VIEW = 1_000  # in view at a time; the others' turn comes
MAX_JOURNAL_BYTES = 10_000_000
MAX_STEM_BYTES = 150


class Stamp(NamedTuple):
    """Whether a file is still the same."""

    mtime_ns: int
    bytes: int
    inode: int


class Result(NamedTuple):
    """How an entry ended: the clip's path, or why there is none."""

    made: bool
    what: str


@dataclass(slots=True, eq=False)
class Dropped:
    """A file of the inbox that was read. `fault`: why nothing can be made of it. `results`: by place in `entries`."""

    name: str
    stamp: Stamp
    entries: list[Entry] = field(default_factory=list)
    fault: str = ""
    results: dict[int, Result] = field(default_factory=dict)

    @property
    def open(self) -> list[int]:
        """The places of those entries that have not ended."""
        return [place for place in range(len(self.entries)) if place not in self.results]

    @property
    def well(self) -> bool:
        """Whether all of it was made."""
        return not self.fault and all(result.made for result in self.results.values())

    def keys(self) -> list[str]:
        """A key for each entry that stays the same when others are added to the list."""
        seen: Counter[str] = Counter()
        keys = []
        for entry in self.entries:
            said = repr(entry.what)
            seen[said] += 1
            keys.append(hashlib.sha256(f"{seen[said]} {said}".encode(errors="replace")).hexdigest()[:32])
        return keys


class InboxFolder:
    """The disk side of the inbox. To be used by one thread at a time; nothing in here raises OSError but `finish`."""

    def __init__(self, folder: Path, samples: Path) -> None:
        self.folder = folder
        self._samples = samples
        self._lock: FileLock | None = None
        self._fault, self._not_before = "", 0.0
        self._asked_to_make = False
        self._seen: dict[str, tuple[Stamp, float]] = {}  # since when a file is what it is
        self._stuck: dict[str, Stamp] = {}  # done with, and could not be moved
        self._journal: dict[str, dict[str, str]] = {}  # by file: what was made of it, by key

    def ready(self) -> str:
        """Make sure of the folder. Returns why nothing can be taken from it now, a sentence, or ""."""
        try:
            if not self._asked_to_make:  # once: one that is removed later may be a disk that was unplugged
                self._asked_to_make = True
                self.folder.mkdir(parents=True, exist_ok=True)
            if not self.folder.is_dir():
                self.close()
                return f"{self.folder} is not there."
            if self._lock is not None and (self.folder / LOCK).exists():
                return ""
            self.close()
            # To try the lock changes its file, and whoever watches the folder would be woken to try again.
            if self._fault and time.monotonic() < self._not_before:
                return self._fault
            self._not_before = time.monotonic() + LOCK_AGAIN_S
            self._fault = self._claim()
        except (OSError, ValueError) as error:
            self._fault = f"{self.folder} cannot be used ({getattr(error, 'strerror', None) or error})."
        return self._fault

    def _claim(self) -> str:
        if self._samples.exists() and self.folder.samefile(self._samples):
            return f"{self.folder} is the sample folder itself; choose another one with --inbox."
        lock = FileLock(self.folder / LOCK, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return f"another Clipbridge takes what is dropped into {self.folder}."
        except NotImplementedError:
            log.info("%s knows no locks: let no other Clipbridge have the same inbox", self.folder)
        self._lock, self._journal = lock, self._read_journal()
        return ""

    def close(self) -> None:
        """Let another Clipbridge have it."""
        lock, self._lock = self._lock, None
        if lock is not None:
            with contextlib.suppress(OSError):
                lock.release()

    def next(self) -> tuple[Dropped | None, bool]:
        """The first file that is there whole, read, if there is one; and whether another one is still being written."""
        now, writing = time.monotonic(), False
        there = self._there()
        self._seen = {name: seen for name, seen in self._seen.items() if name in there}
        self._stuck = {name: stamp for name, stamp in self._stuck.items() if there.get(name) == stamp}
        for name, stamp in there.items():
            before, since = self._seen.get(name, (None, now))
            if before != stamp:
                self._seen[name] = stamp, now
                writing = True
            elif now - since < UNCHANGED_S:
                writing = True
            elif name not in self._stuck and stamp.bytes:  # an empty one was only just made, and will be written
                dropped = self._read(name, stamp, now - since > UNREADABLE_S)
                if dropped is not None:
                    made = self._journal.get(name, {})
                    for place, key in enumerate(dropped.keys()):
                        if (entry := dropped.entries[place]).what is None:
                            dropped.results[place] = Result(False, entry.why)
                        elif key in made:
                            dropped.results[place] = Result(True, made[key])
                    return dropped, writing
                writing = True
        return None, writing

    def state_of(self, dropped: Dropped) -> str:
        """`same`, `changed` or `gone`."""
        try:
            return "same" if _stamp(self.folder / dropped.name) == dropped.stamp else "changed"
        except FileNotFoundError:
            return "gone" if self.folder.is_dir() else "same"  # a disk that is away for a moment
        except OSError:
            return "same"

    def keep(self, dropped: Dropped) -> None:
        """Remember on the disk what was made, so that a restart does not make it again."""
        keys = dropped.keys()
        made = {keys[place]: result.what for place, result in dropped.results.items() if result.made}
        if made != self._journal.get(dropped.name, {}):
            self._journal[dropped.name] = made
            self._write_journal()

    def forget(self, dropped: Dropped) -> None:
        """What was made of it is of no interest any more."""
        if self._journal.pop(dropped.name, None) is not None:
            self._write_journal()

    def finish(self, dropped: Dropped) -> Path:
        """Move a file out of the inbox, with a report beside it; returns the report. Raises OSError if it cannot be moved: it
        is left alone then until it changes, or until `finish` is called again."""
        target = self.folder / ("done" if dropped.well else "failed")
        self._stuck[dropped.name] = dropped.stamp
        target.mkdir(exist_ok=True)
        file, report = _free_names(target, dropped.name)
        written = False
        try:
            with report.open("x", encoding="utf-8", errors="backslashreplace") as opened:
                written = True
                opened.write(_report(dropped))
        except OSError as error:  # a full disk: the file is moved all the same
            log.warning("the report %s could not be written: %s", report, error)
        try:
            portable.replace(self.folder / dropped.name, file)
        except OSError:
            if written:
                with contextlib.suppress(OSError):
                    report.unlink()
            raise
        del self._stuck[dropped.name]
        self.forget(dropped)
        return report

    # ---- what is there ----

    def _there(self) -> dict[str, Stamp]:
        """The files that may be lists or clips, by name."""
        names: list[str] = []
        with contextlib.suppress(OSError), os.scandir(self.folder) as entries:
            names = heapq.nsmallest(MAX_FILES_IN_VIEW, (entry.name for entry in entries if is_wanted(entry.name)))
        there = {}
        for name in names:
            with contextlib.suppress(OSError):
                there[name] = _stamp(self.folder / name)
        return there

    def _read(self, name: str, stamp: Stamp, patience_is_over: bool) -> Dropped | None:
        """None: not yet, or not any more."""
        file, kind = self.folder / name, os.path.splitext(name)[1].lower()
        dropped = Dropped(name, stamp)
        try:
            if kind in LISTS:
                dropped.entries = parse(kind, _bytes(file))
            elif kind in CLIPS:
                dropped.entries = [Entry("", name, recipe.read(tags.recipe_in(file)))]
            else:
                dropped.fault = "Lists are plain text (.txt) or .toml, clips are .wav, .flac or .aiff."
            if _stamp(file) != stamp:
                return None
        except FileNotFoundError:
            return None
        except OSError as error:
            if portable.is_held(error) or not patience_is_over:
                return None
            dropped.fault = f"It cannot be read ({error.strerror or error})."
        except (BadArgument, BadRecipe) as error:
            dropped.fault = f"{str(error)[:1].upper()}{str(error)[1:].rstrip('.')}."
        except Exception:  # one file must not keep the others from being read
            log.exception("reading %r", name)
            dropped.fault = "Clipbridge could not read it; see its log."
        return dropped

    # ---- the journal ----

    def _read_journal(self) -> dict[str, dict[str, str]]:
        try:
            if (self.folder / JOURNAL).stat().st_size > MAX_JOURNAL_BYTES:
                return {}
            kept = json.loads((self.folder / JOURNAL).read_text("utf-8"))
            return {
                str(name): {str(key): str(what) for key, what in made.items()}
                for name, made in kept.items()
                if (self.folder / name).exists()
            }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, AttributeError, TypeError, RecursionError) as error:
            log.warning("what was made of %s before is not known (%s)", self.folder, error)
            return {}

    def _write_journal(self) -> None:
        file = self.folder / JOURNAL
        try:
            if not self._journal:
                file.unlink(missing_ok=True)
                return
            write_whole(file, json.dumps(self._journal).encode())
        except OSError as error:
            log.warning("what was made of %s could not be noted: %s", self.folder, error)


def is_wanted(name: str) -> bool:
    """Whether a file of this name is taken: not hidden, not half-way there, not one of our reports."""
    if name.startswith((".", "~")) or name.endswith("~") or name.lower().endswith(REPORT):
        return False
    return os.path.splitext(name)[1].lower() in (*LISTS, *CLIPS, *NEITHER)


def _stamp(file: Path) -> Stamp:
    """Raises OSError; FileNotFoundError also for what is no plain file: a link, a folder, a pipe."""
    found = os.stat(file, follow_symlinks=False)
    if not stat.S_ISREG(found.st_mode):
        raise FileNotFoundError(file)
    return Stamp(found.st_mtime_ns, found.st_size, found.st_ino)


def _bytes(file: Path) -> bytes:
    """What stands in a list, or a little more than a list may have. Raises OSError."""
    with os.fdopen(portable.open_plain(file), "rb") as opened:
        return opened.read(MAX_LIST_BYTES + 1)


def _free_names(target: Path, name: str) -> tuple[Path, Path]:
    """A free name for the file and for its report, in a folder."""
    stem, suffix = os.path.splitext("".join(c if c.isprintable() else "_" for c in name))
    stem = stem.encode("utf-8", "replace")[:MAX_STEM_BYTES].decode("utf-8", "ignore").strip(" .") or "list"
    for number in itertools.count(1):
        more = f" {number}" if number < 100 else f" {secrets.token_hex(4)}"
        plain = stem if number == 1 else stem + more
        file, report = target / f"{plain}{suffix}", target / f"{plain}{REPORT}"
        if not os.path.lexists(file) and not os.path.lexists(report):
            return file, report
    raise AssertionError("unreachable")


def _report(dropped: Dropped) -> str:
    name = escaped(dropped.name)
    if dropped.fault:
        return f"{name} -> nothing was made: {dropped.fault}\n"
    made = sum(result.made for result in dropped.results.values())
    lines = [f"{name}: {made} of {len(dropped.entries)} made", ""]
    for place, result in sorted(dropped.results.items()):
        entry = dropped.entries[place]
        where = f"{entry.where}: " if entry.where else ""
        lines.append(f"{where}{escaped(entry.text)} -> {'' if result.made else 'not made: '}{escaped(result.what)}")
    return "\n".join(lines) + "\n"
