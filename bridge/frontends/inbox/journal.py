"""The journal of the inbox: the entries that have become clips, so that they are not made again after a restart."""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter
from pathlib import Path

from bridge.frontends.inbox.dropped import Dropped, Result
from bridge.frontends.inbox.lists import Entry
from bridge.system.writing import write_whole

log = logging.getLogger("clipbridge")

JOURNAL = ".clipbridge-inbox.json"
SOURCE = "source"  # not the key of an entry, which has 32 characters
MAX_JOURNAL_BYTES = 10_000_000


class Journal:
    """A file in the inbox that holds, for each unfinished list, the clips of its finished entries, and the audio file that came with
    it. A journal that cannot be read or written is logged: at worst, clips are made again."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._file = folder, folder / JOURNAL
        self._clips: dict[str, dict[str, str]] = {}  # by the name of the list, then by the key of the entry

    def load(self) -> None:
        """Read the file, without lists that are gone."""
        self._clips = {}
        try:
            if self._file.stat().st_size > MAX_JOURNAL_BYTES:
                return
            self._clips = {
                str(name): {str(key): str(path) for key, path in clips.items()}
                for name, clips in json.loads(self._file.read_text("utf-8")).items()
                if (self._folder / name).exists()
            }
        except FileNotFoundError:
            pass
        except (OSError, ValueError, AttributeError, TypeError, RecursionError) as error:
            log.warning("the journal of %s cannot be read: some clips may be made again (%s)", self._folder, error)

    def restore(self, dropped: Dropped) -> None:
        """Set the results of entries that are finished already."""
        clips = self._clips.get(dropped.name, {})
        for place, key in enumerate(_keys(dropped.entries)):
            if place not in dropped.results and key in clips:
                dropped.results[place] = Result(True, clips[key])

    def source_of(self, name: str) -> Path | None:
        """The audio file that came with the list of this name, if one did."""
        path = self._clips.get(name, {}).get(SOURCE)
        return None if path is None else Path(path)

    def keep_source(self, name: str, source: Path) -> None:
        """Write where the audio file is now that came with a list."""
        self._clips[name] = {**self._clips.get(name, {}), SOURCE: str(source)}
        self._write()

    def record(self, dropped: Dropped) -> None:
        """Write the file's finished entries."""
        keys = _keys(dropped.entries)
        source = {name: path for name, path in self._clips.get(dropped.name, {}).items() if name == SOURCE}
        clips = {keys[place]: result.detail for place, result in dropped.results.items() if result.success} | source
        if clips != self._clips.get(dropped.name, {}):
            self._clips[dropped.name] = clips
            self._write()

    def forget(self, dropped: Dropped) -> None:
        """Drop a file's entries."""
        if self._clips.pop(dropped.name, None) is not None:
            self._write()

    def _write(self) -> None:
        try:
            if self._clips:
                write_whole(self._file, json.dumps(self._clips).encode())
            else:
                self._file.unlink(missing_ok=True)
        except OSError as error:
            log.warning("the journal of %s cannot be written: %s", self._folder, error)


def _keys(entries: list[Entry]) -> list[str]:
    """A key for each entry, which stays the same when others are added to the list."""
    seen: Counter[str] = Counter()
    keys = []
    for entry in entries:
        text = repr(entry.what)
        seen[text] += 1
        keys.append(hashlib.sha256(f"{seen[text]} {text}".encode(errors="replace")).hexdigest()[:32])
    return keys
