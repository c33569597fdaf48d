"""The model of the list: a row for each clip of the library that matches a search."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QMimeData, QModelIndex, QObject, QPersistentModelIndex, QStringListModel, Qt, Signal

from bridge.errors import BadArgument
from bridge.panel.clips import Clip
from bridge.panel.drag import mime_of
from bridge.panel.link import ABSENT, Link
from bridge.panel.loader import Loader
from bridge.panel.query import ClipQuery
from bridge.panel.takes import Row, rows_of
from bridge.panel.tool_tips import as_it_is

CLIP = Qt.ItemDataRole.UserRole + 1  # Clip
ROW = Qt.ItemDataRole.UserRole + 2  # Row
MISSING = Qt.ItemDataRole.UserRole + 3  # why the file cannot be used, "" if it can

MAX_RUNS = 40  # of rows that are inserted or removed one run after the other; more are a reset

Index = QModelIndex | QPersistentModelIndex


class ClipModel(QStringListModel):
    """Qt's own model counts the rows: a view asks for their number once for each row that it lays out, and Python is slow there.

    `loaded(shown, total)`: the number of rows, and of clips in the library that match. `failed(why)`: the daemon cannot do what
    was asked. `renamed(path, name)`: somebody typed another name. `replacing`, `replaced`: all rows are other ones."""

    loaded = Signal(int, int)
    failed = Signal(str)
    renamed = Signal(str, str)
    replacing = Signal()
    replaced = Signal()

    def __init__(self, link: Link, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rowsInserted.connect(lambda: self._set(self._next))  # before any view hears of it
        self.rowsRemoved.connect(lambda: self._set(self._next))
        self._link, self.loader = link, Loader(link, self)
        self.loader.changed.connect(self._show)
        self.loader.appended.connect(self._append)
        self.loader.clip_changed.connect(self._changed)
        self.loader.failed.connect(self.failed)
        self._rows: list[Row] = []
        self._next: list[Row] = []
        self._places: dict[str, int] = {}  # of the paths in the rows
        self._hidden: set[str] = set()
        self._missing: dict[str, str] = {}

    def search(self, query: ClipQuery) -> None:
        """Show the clips that match `query`."""
        again = query.arguments() != self.loader.query.arguments()
        self.loader.query = query
        if again:
            self.loader.reload()
        else:
            self._show()

    # ---- changes ----

    def _show(self) -> None:
        """Make the rows those of the clips that are not hidden; selected and current rows stay so."""
        query = self.loader.query
        clips = [clip for path, clip in self.loader.clips.items() if path not in self._hidden]
        rows = rows_of(clips, self.loader.scores, query.order != "oldest", query.best_only)
        paths = {row.path for row in rows}
        gone = _runs([place for place, row in enumerate(self._rows) if row.path not in paths])
        new = _runs([place for place, row in enumerate(rows) if row.path not in self._places])
        if len(gone) + len(new) > MAX_RUNS:
            self.replacing.emit()
            self._set(rows)
            self.setStringList([""] * len(rows))
            self.replaced.emit()
        else:
            in_order = [row for row in rows if row.path in self._places]
            for first, last in reversed(gone):
                self._next = [*self._rows[:first], *self._rows[last + 1 :]]
                self.removeRows(first, last + 1 - first)
            self._reorder(in_order)
            for first, last in new:
                self._next = [*self._rows[:first], *rows[first : last + 1], *self._rows[first:]]
                self.insertRows(first, last + 1 - first)
        self._tell_loaded()

    def _tell_loaded(self) -> None:
        hidden = len(self._hidden & self.loader.clips.keys())
        self.loaded.emit(len(self._rows), self.loader.total - hidden)

    def _append(self, clips: list[Clip]) -> None:
        """Add rows at the end. Takes of the last job may be among them: then everything is sorted again."""
        query, takes = self.loader.query, self._rows[-1].takes if self._rows else 0
        ends = itertools.islice(reversed(self.loader.clips.values()), takes + len(clips))
        shown = [clip for clip in ends if clip.path not in self._hidden][::-1]
        rows = rows_of(shown, self.loader.scores, query.order != "oldest", query.best_only)
        old = len(shown) - len(clips)  # they are shown already
        kept = 1 if query.best_only and old else old
        if rows[:kept] != self._rows[len(self._rows) - kept :]:
            self._show()
            return
        if new := rows[kept:]:
            self._next = [*self._rows, *new]
            self.insertRows(len(self._rows), len(new))
        self._tell_loaded()

    def _reorder(self, rows: list[Row]) -> None:
        if rows == self._rows:
            return
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        paths = [self._rows[index.row()].path for index in before]
        self._set(rows)
        self.changePersistentIndexList(before, [self.index(self._places[path]) for path in paths])
        self.layoutChanged.emit()

    def _set(self, rows: list[Row]) -> None:
        self._rows, self._places = rows, {row.path: place for place, row in enumerate(rows)}

    def _changed(self, path: str) -> None:
        if (index := self.index_of(path)).isValid():
            self.dataChanged.emit(index, index)

    def hide(self, paths: Iterable[str]) -> None:
        """Take rows out of the list, for example because their files will be deleted."""
        self._hidden |= set(paths)
        self._show()

    def unhide(self, paths: Iterable[str]) -> None:
        """Put hidden rows back."""
        self._hidden -= set(paths)
        self._show()

    def forget(self, paths: Iterable[str]) -> None:
        """Remove clips whose files are gone."""
        self._hidden -= set(paths)
        self.loader.forget(paths)

    def move(self, path: str, new_path: str) -> None:
        """Follow a file that was renamed; its row stays where it is. The clip that had its name before is gone."""
        if new_path in self.loader.clips:
            self.loader.forget([new_path])
        self.loader.move(path, new_path)
        self._set([replace(row, path=new_path) if row.path == path else row for row in self._rows])
        self._changed(new_path)

    def set_missing(self, path: str, why: str) -> None:
        """Say why the file of a clip cannot be used; "" if it can."""
        if self._missing.get(path, "") != why:
            self._missing[path] = why
            self._changed(path)

    def set_favourite(self, path: str, favourite: bool) -> None:
        """Mark a clip, here and in the library; the daemon's answer is the last word."""
        if self._link.state == ABSENT:
            self.failed.emit("Clipbridge is not running, so stars cannot be saved.")
            return
        if path not in self.loader.clips:
            return  # deleted meanwhile
        self.loader.clips[path] = replace(self.loader.clips[path], favourite=int(favourite))
        self._changed(path)
        try:
            self._link.send("/bridge/favourite", path, int(favourite))
        except BadArgument as error:
            self.failed.emit(str(error))

    # ---- what views ask ----

    def index_of(self, path: str) -> QModelIndex:
        """The row of a clip; an invalid index if it has none."""
        return self.index(self._places[path]) if path in self._places else QModelIndex()

    def clips_of(self, rows: Iterable[int]) -> list[Clip]:
        """The clips of some rows."""
        return [self.loader.clips[self._rows[row].path] for row in rows]

    def clips(self) -> list[Clip]:
        """The clips of all rows."""
        return [self.loader.clips[row.path] for row in self._rows]

    def canFetchMore(self, parent: Index) -> bool:
        """Whether the library has more clips than the list."""
        return not parent.isValid() and self.loader.has_more

    def fetchMore(self, parent: Index) -> None:
        """Load the next page; its rows come a moment later."""
        self.loader.load_more()

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A sentence about the clip for people and screen readers, and CLIP, ROW, MISSING."""
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        clip, missing = self.loader.clips[row.path], self._missing.get(row.path, "")
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.AccessibleTextRole:
                return f"{clip.sentence(row.takes)}. {missing}" if missing else clip.sentence(row.takes)
            case Qt.ItemDataRole.AccessibleDescriptionRole:
                return missing or str(Path(clip.path))
            case Qt.ItemDataRole.ToolTipRole:
                return as_it_is(missing or str(Path(clip.path)))
            case Qt.ItemDataRole.EditRole:
                return clip.name
        return {CLIP: clip, ROW: row, MISSING: missing}.get(role)

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Ask for another name; the row changes once the file has it."""
        clip: Clip = index.data(CLIP)
        if role == Qt.ItemDataRole.EditRole and isinstance(value, str) and value != clip.name:
            self.renamed.emit(clip.path, value)
        return False

    def flags(self, index: Index) -> Qt.ItemFlag:
        """A missing file can be selected, and nothing else."""
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemNeverHasChildren
        if index.isValid() and not index.data(MISSING):
            flags |= Qt.ItemFlag.ItemIsDragEnabled | Qt.ItemFlag.ItemIsEditable
        return flags

    def supportedDragActions(self) -> Qt.DropAction:
        """Copy alone: with more, some file managers move the file out of the folder."""
        return Qt.DropAction.CopyAction

    def mimeData(self, indexes: Iterable[QModelIndex]) -> QMimeData:
        """The files of the rows, as URLs."""
        return mime_of([index.data(CLIP).path for index in sorted(indexes, key=lambda index: index.row())])


def _runs(places: list[int]) -> list[tuple[int, int]]:
    """The runs of successive places, each by its first and last."""
    runs: list[tuple[int, int]] = []
    for place in places:
        if runs and place == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], place)
        else:
            runs.append((place, place))
    return runs
