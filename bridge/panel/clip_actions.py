"""What can be done with the clips of the list: a menu, whose short-cuts work while the list has the keyboard."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from bridge.domain.source import How

Key, Standard = Qt.Key, QKeySequence.StandardKey
CONTROL, SHIFT = Qt.Modifier.CTRL, Qt.Modifier.SHIFT

# name: (words, keys, separated from the one above)
ACTIONS: dict[str, tuple[str, tuple[object, ...], bool]] = {
    "toggle": ("Play or stop", (Key.Key_Space,), False),
    "again": ("Play again", (Key.Key_Right, Key.Key_Return, Key.Key_Enter), False),
    "stop": ("Stop", (Key.Key_Left,), False),
    "part_from": ("Part begins here", (Key.Key_BracketLeft,), True),
    "part_to": ("Part ends here", (Key.Key_BracketRight,), False),
    "cut": ("Make a clip of the part", (SHIFT | Key.Key_Return, SHIFT | Key.Key_Enter), False),
    "beside": ("Hear the source or the result", (Key.Key_B,), False),
    "vary": ("Vary …", (Key.Key_V,), True),
    "continue": ("Continue …", (Key.Key_C,), False),
    "fill": ("Fill the part …", (Key.Key_G,), False),
    "favourite": ("Star", (Key.Key_F,), True),
    "copy": ("Copy the files", (Standard.Copy,), False),
    "copy_path": ("Copy the path", (CONTROL | SHIFT | Key.Key_C,), False),
    "show_in_folder": ("Show in folder", (CONTROL | Key.Key_E,), False),
    "make_again": ("Make again", (CONTROL | Key.Key_M,), True),
    "fill_in": ("Fill in the fields", (CONTROL | Key.Key_R,), False),
    "rename": ("Rename", (Key.Key_F2,), True),
    "delete": ("Delete", (Standard.Delete, CONTROL | Key.Key_Backspace), False),
    "undo": ("Undo the deletion", (Standard.Undo,), False),
    "keep_starred": ("Keep only starred clips", (), False),
    "select_all": ("Select all", (Standard.SelectAll,), True),
    "reload": ("Load the list again", (Standard.Refresh,), False),
}
IN_THE_WAVEFORM = (
    "toggle",
    "part_from",
    "part_to",
    "cut",
    "beside",
    "vary",
    "continue",
    "fill",
    "undo",
)  # these keys work there too
NEED_CLIP = ACTIONS.keys() - {"stop", "undo", "keep_starred", "select_all", "reload"}


class ClipActions(QObject):
    """The actions of a list, by name; `do` has a function for each."""

    def __init__(self, view: QWidget, wave: QWidget, do: dict[str, Callable[[], None]]) -> None:
        super().__init__(view)
        assert do.keys() == ACTIONS.keys()
        self._menu = QMenu(view)
        self._menu.setAccessibleName("Clip")
        self._menu.setToolTipsVisible(True)
        self.actions: dict[str, QAction] = {}
        for name, (words, keys, separated) in ACTIONS.items():
            if separated:
                self._menu.addSeparator()
            action = self.actions[name] = QAction(words, view)
            action.setShortcuts([QKeySequence(key) for key in keys])  # type: ignore[call-overload]
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            action.triggered.connect(lambda _checked=False, do=do[name]: do())
            view.addAction(action)
            if name in IN_THE_WAVEFORM:
                wave.addAction(action)
            self._menu.addAction(action)

    def enable(self, has_clip: bool, has_part: bool, has_source: bool, can_undo: bool, why_not: dict[How, str]) -> None:
        """Grey what makes no sense now. `why_not`: sentences about what the checkpoint cannot do with the clip."""
        for name, action in self.actions.items():
            action.setEnabled(has_clip or name not in NEED_CLIP)
        self.actions["cut"].setEnabled(has_part)
        self.actions["beside"].setEnabled(has_source)
        for how, why in why_not.items():
            self.actions[how].setEnabled(has_clip and not why)
            self.actions[how].setToolTip(why)
        self.actions["undo"].setText("Undo the deletion" if can_undo else "Nothing to undo")

    def show_menu(self, position: QPoint) -> None:
        """The menu, at a point of the screen."""
        self._menu.popup(position)
