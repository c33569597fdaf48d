"""What is done with the files of clips, and with the clips in the library."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QGuiApplication

from bridge.errors import BadArgument
from bridge.panel.background import Background
from bridge.panel.clip_view import ClipView
from bridge.panel.clips import Clip
from bridge.panel.jobs import MOST_AGAIN
from bridge.panel.link import ABSENT, Link
from bridge.panel.notice import Notice
from bridge.panel.rename import rename
from bridge.panel.trash import Trash
from bridge.system.desktop import show_in_folder

MARKS, MARKS_MS = 40, 20  # stars that are set at once, and the time between


class ClipFiles(QObject):
    """Works on the selected clips of `view`. `said(sentence)`. `recipe_wanted(values)`: the keys of an ask, for the form.
    `again_wanted(path)`: make this clip again."""

    said = Signal(str)
    recipe_wanted = Signal(dict)
    again_wanted = Signal(str)

    def __init__(self, link: Link, view: ClipView, notice: Notice) -> None:
        super().__init__(view)
        self._link, self._view, self._model, self._notice = link, view, view.clips, notice
        self.trash, self._background = Trash(self), Background(self)
        self._marks: list[tuple[str, bool]] = []  # stars to be set
        self._more_marks = QTimer(self, singleShot=True, interval=MARKS_MS)
        self._more_marks.timeout.connect(self._mark_some)
        self._when_complete: Callable[[], None] | None = None
        self._model.renamed.connect(self.rename_to)
        self._model.loaded.connect(self._on_loaded)
        self.trash.said.connect(self.said)
        self.trash.hidden.connect(self._model.hide)
        self.trash.restored.connect(self._model.unhide)
        self.trash.gone.connect(self._model.forget)
        self.trash.can_undo_changed.connect(self._on_can_undo)

    def close(self) -> None:
        """Deleted clips go to the trash now."""
        self.trash.close()
        self._background.close()

    def toggle_favourites(self) -> None:
        """Mark the selected clips, or take the marks away if all have one."""
        clips = self._view.selected_clips()
        mark = not all(clip.favourite for clip in clips)
        self._marks += [(clip.path, mark) for clip in clips if bool(clip.favourite) != mark]
        self._mark_some()

    def _mark_some(self) -> None:
        """Mark some clips now, and the others a moment later: thousands at once would get lost on the way to the daemon."""
        now, self._marks = self._marks[:MARKS], self._marks[MARKS:]
        if self._link.state == ABSENT:
            now, self._marks = now[:1], []  # the model says why it is impossible
        for path, mark in now:
            self._model.set_favourite(path, mark)
        if self._marks:
            self._more_marks.start()

    def copy_paths(self) -> None:
        """Put the paths of the selected clips on the clipboard, as text."""
        paths = [os.path.normpath(path) for path in self._view.selected_paths()]
        QGuiApplication.clipboard().setText("\n".join(paths))
        self.said.emit(
            "The path is on the clipboard." if len(paths) == 1 else f"{len(paths)} paths are on the clipboard."
        )

    def show_in_folder(self) -> None:
        """Open the folder of the current clip."""
        clip = self._view.current_clip()
        if clip is not None:
            file = Path(clip.path)
            self._background.do(lambda: show_in_folder(file), lambda shown: self._on_shown(shown, file))

    def _on_shown(self, shown: bool, file: Path) -> None:
        if not shown:
            self.said.emit(f"No file manager could be opened. The folder is {file.parent}.")

    def make_again(self) -> None:
        """Ask for the selected clips again, from the recipes in their files."""
        if self._link.state == ABSENT:
            self.said.emit("Clipbridge is not running, so nothing can be made.")
            return
        paths = self._view.selected_paths()
        for path in paths[:MOST_AGAIN]:
            self.again_wanted.emit(path)
        if len(paths) > MOST_AGAIN:
            self.said.emit(f"The first {MOST_AGAIN} of the {len(paths):,} clips are made again: no more can wait.")

    def fill_in(self) -> None:
        """Put what the current clip was made of into the form."""
        clip = self._view.current_clip()
        if clip is not None:
            self.recipe_wanted.emit(clip.recipe)

    def rename_to(self, path: str, name: str) -> None:
        """Give the file of a clip another name."""

        def work() -> str | BadArgument:
            try:
                return rename(path, name)
            except BadArgument as error:
                return error

        self._background.do(work, lambda result: self._on_renamed(path, result))

    def _on_renamed(self, path: str, result: str | BadArgument) -> None:
        if isinstance(result, BadArgument):
            self.said.emit(str(result))
        else:
            self._model.move(path, result)
            self.said.emit(f"Renamed to {Path(result).name}.")

    def delete(self) -> None:
        """Delete the selected clips; the row after them becomes the current one."""
        paths = self._view.selected_paths()
        row = self._view.currentIndex().row()
        self.trash.throw(paths)
        left = self._model.rowCount()
        if left:
            self._view.choose(self._model.index(min(max(0, row - len(paths) + 1), left - 1)), quietly=True)

    def keep_starred(self) -> None:
        """Delete all clips without a star: of the selected ones if there are several, else of all that are found."""
        if len(paths := self._view.selected_paths()) > 1:
            clips = [clip for clip in self._model.clips() if clip.path in set(paths)]
            self._ask_to_keep(clips, "selected clips")
        else:
            self.with_all(lambda: self._ask_to_keep(self._model.clips(), "clips in the list"))

    def _ask_to_keep(self, clips: list[Clip], which: str) -> None:
        plain = [clip.path for clip in clips if not clip.favourite]
        if not plain:
            self.said.emit(f"All {len(clips)} {which} have a star.")
            return
        kept = len(clips) - len(plain)
        question = f"Delete {len(plain):,} of the {len(clips):,} {which}, and keep {kept:,} with a star?"
        self._notice.show_it(question, "Delete", lambda: self.trash.throw(plain), asks=True)

    def with_all(self, do: Callable[[], None]) -> None:
        """Do something once the whole list is loaded."""
        if self._model.loader.is_complete:
            do()
        else:
            self._when_complete = do
            self._model.loader.load_all()

    def _on_loaded(self) -> None:
        if self._when_complete is not None and self._model.loader.is_complete:
            do, self._when_complete = self._when_complete, None
            do()

    def _on_can_undo(self, can_undo: bool) -> None:
        if self._notice.is_question:
            return
        if can_undo:
            self._notice.show_it("Deleted clips go to the trash in a moment.", "Undo", self.trash.undo)
        else:
            self._notice.close_it()
