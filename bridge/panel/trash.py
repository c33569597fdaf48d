"""Deletes clips: their rows go at once, their files some seconds later into the system's trash. Until then it can be undone."""

from __future__ import annotations

import os
from collections.abc import Sequence

from PySide6.QtCore import QObject, QTimer, Signal

from bridge.panel.background import Background

UNDO_MS = 8_000


class Trash(QObject):
    """`hidden(paths)`, then `restored(paths)` or `gone(paths)`. `said(sentence)`. `can_undo_changed(can)`."""

    hidden = Signal(list)
    restored = Signal(list)
    gone = Signal(list)
    said = Signal(str)
    can_undo_changed = Signal(bool)

    def __init__(self, parent: QObject | None = None, undo_ms: int = UNDO_MS) -> None:
        super().__init__(parent)
        self._background = Background(self)
        self._undo_ms = undo_ms
        self._waiting: list[list[str]] = []

    @property
    def can_undo(self) -> bool:
        """Whether a deletion can be taken back."""
        return bool(self._waiting)

    def throw(self, paths: Sequence[str]) -> None:
        """Delete these files in a moment."""
        batch = list(paths)
        if not batch:
            return
        self._waiting.append(batch)
        self.hidden.emit(batch)
        self.said.emit(f"{_clips(len(batch))} deleted. Ctrl+Z brings {'it' if len(batch) == 1 else 'them'} back.")
        self.can_undo_changed.emit(True)
        QTimer.singleShot(self._undo_ms, lambda: self._empty(batch))

    def undo(self) -> None:
        """Take the last deletion back."""
        if not self._waiting:
            self.said.emit("There is no deletion to undo here. Older ones are in the trash of your system.")
            return
        batch = self._waiting.pop()
        self.restored.emit(batch)
        self.said.emit(f"{_clips(len(batch))} restored.")
        self.can_undo_changed.emit(self.can_undo)

    def close(self) -> None:
        """Move what still waits to the trash, and wait for that."""
        for batch in list(self._waiting):
            self._empty(batch)
        self._background.close()

    def _empty(self, batch: list[str]) -> None:
        if not any(batch is other for other in self._waiting):
            return  # undone, or done already
        self._waiting = [other for other in self._waiting if other is not batch]
        self.can_undo_changed.emit(self.can_undo)
        self._background.do(lambda: throw_away(batch), lambda kept: self._on_thrown(batch, kept))

    def _on_thrown(self, batch: list[str], kept: dict[str, str]) -> None:
        self.gone.emit([path for path in batch if path not in kept])
        if kept:
            self.restored.emit(list(kept))
            self.said.emit(f"{_clips(len(kept))} not deleted: {next(iter(kept.values()))}")


def throw_away(paths: Sequence[str]) -> dict[str, str]:
    """Move files to the system's trash. Returns why, for each file that stays; a file that is gone already does not."""
    from send2trash import send2trash
    from send2trash.exceptions import TrashPermissionError

    kept = {}
    for path in paths:
        try:
            if os.path.lexists(path):
                send2trash(os.path.normpath(path))
        except TrashPermissionError:
            kept[path] = "this disk has no trash that can be used. Delete the files in their folder."
        except OSError as error:
            kept[path] = f"{os.path.basename(path)} cannot be moved to the trash ({error.strerror or error})."
    return kept


def _clips(count: int) -> str:
    return "1 clip" if count == 1 else f"{count:,} clips"
