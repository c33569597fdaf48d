"""The sounds of a kit: a standard list whose rows are played, copied, and dragged out."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from bridge.panel import drag
from bridge.panel.kit_facts import Kit, KitSound
from bridge.panel.tool_tips import as_it_is

PLAYS = (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)
SOUND = Qt.ItemDataRole.UserRole


class KitList(QTreeWidget):
    """`play_wanted(path)`. `said(sentence)`. `chosen()`: another row is the current one."""

    play_wanted = Signal(str)
    said = Signal(str)
    chosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Sounds of the kit")
        self.setHeaderLabels(["Note", "Sound", "State"])
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.header().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self.header().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.header().setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        self.setMinimumHeight(4 * self.fontMetrics().lineSpacing())
        self.itemDoubleClicked.connect(lambda item: self._play(item))
        self.currentItemChanged.connect(lambda *_: self.chosen.emit())

    @property
    def current(self) -> KitSound | None:
        """The sound of the current row."""
        item = self.currentItem()
        return None if item is None else item.data(0, SOUND)

    def show_kit(self, kit: Kit | None) -> None:
        """Show the sounds of a kit by their notes; rows that are the same stay as they are."""
        sounds = sorted(kit.sounds.values(), key=lambda sound: sound.key) if kit is not None else []
        while self.topLevelItemCount() > len(sounds):
            self.takeTopLevelItem(self.topLevelItemCount() - 1)
        for row, sound in enumerate(sounds):
            if row == self.topLevelItemCount():
                self.addTopLevelItem(QTreeWidgetItem())
            assert kit is not None
            self._fill(self.topLevelItem(row), sound, kit.words(sound))

    def _fill(self, item: QTreeWidgetItem | None, sound: KitSound, words: str) -> None:
        assert item is not None
        item.setData(0, SOUND, sound)
        for column, text in enumerate((sound.place, sound.prompt, words)):
            if item.text(column) != text:
                item.setText(column, text)
                item.setToolTip(column, as_it_is(text))
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        item.setFlags(flags | Qt.ItemFlag.ItemIsDragEnabled if sound.path else flags)

    def _play(self, item: QTreeWidgetItem | None) -> None:
        if item is not None and item.data(0, SOUND).path:
            self.play_wanted.emit(item.data(0, SOUND).path)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            QGuiApplication.clipboard().setMimeData(drag.copied(self._present()))
        elif event.key() in PLAYS and not event.modifiers():
            if not event.isAutoRepeat():
                self._play(self.currentItem())
        else:
            super().keyPressEvent(event)

    def startDrag(self, _actions: Qt.DropAction) -> None:
        """Drag the files of the selected rows."""
        if paths := self._present():
            drag.drag(self, paths, self.viewport().grab(self.visualItemRect(self.selectedItems()[0])))

    def _present(self) -> Sequence[str]:
        paths = [item.data(0, SOUND).path for item in self.selectedItems() if item.data(0, SOUND).path]
        there, left_out = drag.present(paths)
        if left_out:
            self.said.emit(left_out)
        return there
