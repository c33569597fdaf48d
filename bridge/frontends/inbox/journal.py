"""The journal of lists: the entries that have become clips, so that they are not made again after a restart."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from bridge.frontends.inbox.dropped import Dropped, Result
from bridge.system.writing import write_whole

log = logging.getLogger("clipbridge")

JOURNAL = ".clipbridge-inbox.json"
SOURCE = "source"  # not the key of an entry, which has 32 characters
MAX_JOURNAL_BYTES = 50_000_000


class Journal:
    """A file that holds, for each list, the clips of its finished entries, and the audio file that came with it. A journal that cannot be
    read or written is logged: at worst, clips are made again.

    Each line is a table {list: {key: clip}} that adds to those before it, so that a finished entry of a long list costs one line. `is_kept`
    says for the name of a list whether its entries are still needed."""

    def __init__(self, file: Path, is_kept: Callable[[str], bool]) -> None:
        self._file, self._is_kept = file, is_kept
        self._clips: dict[str, dict[str, Result]] = {}  # by the name of the list, then by the key of the entry

    def load(self) -> None:
        """Read the file, without lists that are gone."""
        self._clips = {}
        lines: list[str] = []
        try:
            if self._file.stat().st_size <= MAX_JOURNAL_BYTES:
                lines = [line for line in self._file.read_text("utf-8").split("\n") if line]
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            self._warn(error)
        for line in lines:
            try:
                self._add(json.loads(line))
            except (
                OSError,
                ValueError,
                AttributeError,
                TypeError,
                RecursionError,
            ) as error:  # such as a line that was cut
                self._warn(error)
        if len(lines) > 1:
            self._write()

    def restore(self, dropped: Dropped) -> None:
        """Set the results of entries that are finished already."""
        clips = self._clips.get(dropped.name, {})
        for place, key in enumerate(dropped.keys):
            if place not in dropped.results and key in clips:
                dropped.results[place] = clips[key]

    def source_of(self, name: str) -> Path | None:
        """The audio file that came with the list of this name, if one did."""
        source = self._clips.get(name, {}).get(SOURCE)
        return None if source is None else Path(source.detail)

    def keep_source(self, name: str, source: Path) -> None:
        """Write where the audio file is now that came with a list."""
        self._append(name, {SOURCE: Result(True, str(source))})

    def record(self, dropped: Dropped, places: Iterable[int]) -> None:
        """Write the clips of these entries."""
        results = {dropped.keys[place]: dropped.results[place] for place in places}
        self._append(dropped.name, {key: result for key, result in results.items() if result.success})

    def forget(self, dropped: Dropped) -> None:
        """Drop a file's entries."""
        if self._clips.pop(dropped.name, None) is not None:
            self._write()

    def _add(self, lists: dict[str, dict[str, Any]]) -> None:
        for name, clips in lists.items():
            if self._is_kept(name):
                self._clips.setdefault(name, {}).update({key: _read(clip) for key, clip in clips.items()})

    def _append(self, name: str, clips: dict[str, Result]) -> None:
        if not clips:
            return
        self._clips.setdefault(name, {}).update(clips)
        try:
            if self._file.exists():
                with self._file.open("ab") as out:
                    out.write(b"\n" + _line({name: clips}))  # the line before it may have been cut
            else:
                write_whole(self._file, _line(self._clips))
        except OSError as error:
            log.warning("%s cannot be written: %s", self._file, error)

    def _write(self) -> None:
        try:
            if self._clips:
                write_whole(self._file, _line(self._clips))
            else:
                self._file.unlink(missing_ok=True)
        except OSError as error:
            log.warning("%s cannot be written: %s", self._file, error)

    def _warn(self, error: Exception) -> None:
        log.warning("a part of %s cannot be read: some clips may be made again (%s)", self._file, error)


def _line(lists: dict[str, dict[str, Result]]) -> bytes:
    clips = {
        name: {key: [clip.detail, clip.remark] if clip.remark else clip.detail for key, clip in of_list.items()}
        for name, of_list in lists.items()
    }
    return json.dumps(clips, separators=(",", ":")).encode()


def _read(clip: Any) -> Result:
    """Raises ValueError, TypeError."""
    detail, remark = clip if isinstance(clip, list) else (clip, "")
    return Result(True, str(detail), str(remark))
