"""A long list whose clips go into a folder of their own, which remembers what it has: the disk side of `clipbridge render`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from bridge.errors import BadArgument, FolderError
from bridge.files.folder import FolderSink, sentence
from bridge.frontends.inbox.dropped import Dropped, Result
from bridge.frontends.inbox.folder import locked
from bridge.frontends.inbox.journal import Journal
from bridge.frontends.inbox.lists import Limits
from bridge.frontends.inbox.reading import LISTS, REPORT, read, stamp_of
from bridge.system.writing import write_whole

OF_BATCH = Limits(20_000, 10_000_000)
JOURNAL, LOCK = ".clipbridge-render.json", ".clipbridge-render.lock"


class Batch:
    """`dropped`: the list, with the results of earlier runs whose clips are still in `folder`; the paths of clips are relative to that."""

    def __init__(self, dropped: Dropped, folder: Path, journal: Journal) -> None:
        self.dropped, self.folder, self._journal = dropped, folder, journal
        journal.restore(dropped)
        for place, result in list(dropped.results.items()):
            if result.success and not (folder / result.detail).is_file():  # deleted: the user wants another one
                del dropped.results[place]

    @property
    def made(self) -> int:
        """The number of entries that have become clips."""
        return sum(result.success for result in self.dropped.results.values())

    @property
    def faults(self) -> list[str]:
        """A sentence for each entry that cannot be asked for."""
        entries, results = self.dropped.entries, self.dropped.results
        return [
            f"{entries[place].where}: {result.detail}"
            for place, result in sorted(results.items())
            if not result.success
        ]

    def keep(self, place: int, result: Result) -> None:
        """Set the result of an entry. What was made is on the disk before this returns, so that it outlives the process."""
        with contextlib.suppress(ValueError):  # a folder on another disk
            if result.success:
                result = result._replace(detail=Path(result.detail).relative_to(self.folder).as_posix())
        self.dropped.results[place] = result
        self._journal.record(self.dropped, [place])

    def report(self) -> Path:
        """Write the report; returns its path. Raises FolderError."""
        file = self.folder / f"{Path(self.dropped.name).stem}{REPORT}"
        with sentence(self.folder):
            write_whole(file, self.dropped.report().encode("utf-8", "backslashreplace"))
        return file


@contextlib.contextmanager
def opened(file: Path, folder: Path) -> Iterator[Batch]:
    """The list `file` and the folder of its clips, which is created if it is missing and locked. Raises BadArgument, FolderError."""
    dropped = _read(file)
    sink = FolderSink(folder)
    sink.open()
    sink.close()
    with sentence(sink.folder):
        lock = locked(sink.folder / LOCK)
    if lock is None:
        raise FolderError(
            f"Another clipbridge render writes into {sink.folder}: wait for it, or name another --folder."
        )
    try:
        journal = Journal(sink.folder / JOURNAL, lambda name: True)
        journal.load()
        yield Batch(dropped, sink.folder, journal)
    finally:
        lock.release()


def _read(file: Path) -> Dropped:
    """Raises BadArgument."""
    try:
        file = file.expanduser().resolve()
        if file.suffix.lower() not in LISTS:
            raise BadArgument(f"A list is plain text (.txt) or .toml, not {file.name!r}.")
        dropped = read(file.parent, file.name, stamp_of(file), True, lambda clip: None, limits=OF_BATCH)
    except FileNotFoundError:
        what = "is not a file" if os.path.lexists(file) else "does not exist"
        raise BadArgument(f"The list {file} {what}.") from None
    except (OSError, ValueError, RuntimeError) as error:
        raise BadArgument(f"The list {str(file)[:200]!r} cannot be read ({error}).") from error
    if dropped is None:
        raise BadArgument(f"The list {file} is being written: try again.")
    if dropped.fault:
        raise BadArgument(f"{dropped.name}: {dropped.fault}")
    return dropped
