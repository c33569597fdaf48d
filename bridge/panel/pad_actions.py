"""What can be done with the current pad: the entries of its menu, and their keys, which work while a pad has the focus."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from bridge.panel.pad_facts import Pad


@dataclass(frozen=True, slots=True)
class Entry:
    """`name` of the slot, `text` of the menu, `key`."""

    name: str
    text: str
    key: str


ENTRIES = (
    Entry("edit", "&Edit", "Return"),
    Entry("stop", "S&top", "Ctrl+."),
    Entry("lock", "&Lock: the same take at every press", "Ctrl+Shift+L"),
    Entry("save", "&Save what sounded last", "Ctrl+S"),
    Entry("paste", "&Paste words or a clip", "Ctrl+V"),
    Entry("clear", "&Clear", "Del"),
    Entry("undo", "&Undo clear", "Ctrl+Z"),
)


class PadActions:
    """Actions that call `slots[name]`, as keys of these `buttons` and as a menu."""

    def __init__(self, owner: QWidget, buttons: Iterable[QWidget], slots: dict[str, Callable[[], None]]) -> None:
        self.actions: dict[str, QAction] = {}
        self._menu = QMenu(owner)
        for entry in ENTRIES:
            action = QAction(entry.text, owner)
            action.setShortcut(QKeySequence(entry.key))
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            action.triggered.connect(lambda _checked=False, slot=slots[entry.name]: slot())
            for button in buttons:
                button.addAction(action)
            self._menu.addAction(action)
            self.actions[entry.name] = action
        self.actions["lock"].setCheckable(True)

    def show(self, pad: Pad) -> None:
        """Check and enable what makes sense for this pad."""
        for name in ("stop", "save", "clear"):
            self.actions[name].setEnabled(pad.state != "empty")
        self.actions["lock"].setChecked(pad.locked)

    def popup(self, place: QPoint) -> None:
        """Open the menu; nothing waits for it."""
        self._menu.popup(place)
