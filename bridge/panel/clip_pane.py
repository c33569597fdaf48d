"""The pane of the clips: search, list, and everything that can be done with a clip."""

from __future__ import annotations

from PySide6.QtCore import QSettings, Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from bridge.panel.clip_model import ClipModel
from bridge.panel.clip_view import ClipView
from bridge.panel.link import Link
from bridge.panel.peaks import Peaks
from bridge.panel.search_bar import SearchBar


class ClipPane(QWidget):
    """`said(sentence)`: for the status line. `recipe_wanted(values)`: the keys of an ask, for the form."""

    said = Signal(str)
    recipe_wanted = Signal(dict)

    def __init__(self, link: Link, settings: QSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.peaks = Peaks(self)
        self.model = ClipModel(link, self)
        self.search_bar = SearchBar(link, settings)
        self.view = ClipView(self.model, self.peaks)
        self.count = QLabel()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.search_bar, self.view, self.count):
            layout.addWidget(widget)
        layout.setStretchFactor(self.view, 1)
        self.search_bar.changed.connect(lambda: self.model.search(self.search_bar.query))
        self.model.loaded.connect(self._on_loaded)
        self.model.failed.connect(self.said)
        self.view.said.connect(self.said)
        self._key(QKeySequence(QKeySequence.StandardKey.Find), self.search_bar.words.setFocus)
        self._key(QKeySequence(QKeySequence.StandardKey.Copy), self.view.copy_files, self.view)

    def _key(self, keys: QKeySequence, do: object, widget: QWidget | None = None) -> None:
        """A short-cut of the pane, or of one widget in it while that has the focus."""
        shortcut = QShortcut(keys, widget or self)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(do)

    def close_down(self) -> None:
        """End what runs in the background; the window calls it when it closes."""
        self.peaks.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        """As a window of its own, in tests, it closes down by itself."""
        self.close_down()
        super().closeEvent(event)

    def _on_loaded(self, shown: int, total: int) -> None:
        clips = "1 clip" if total == 1 else f"{total:,} clips"
        narrow = self.search_bar.query.is_narrow
        self.count.setText(f"{clips} found" if narrow else clips)
