"""The Pads page: 16 pads in eight banks, played by mouse, fingers and keys, and edited in place."""

from __future__ import annotations

import functools
from typing import Any

from PySide6.QtCore import QEvent, QPoint, QSettings, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QSizePolicy,
    QTabBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from bridge.panel import pad_keys, saved
from bridge.panel.link import ABSENT, Link
from bridge.panel.pad_actions import PadActions
from bridge.panel.pad_button import PadButton
from bridge.panel.pad_commands import PadCommands
from bridge.panel.pad_editor import PadEditor
from bridge.panel.pad_facts import BANKS, COUNT, IN_BANK, Pad, Pads
from bridge.panel.pad_grid import PadGrid
from bridge.panel.pad_presses import Presses

BANK, EDITING = "pads/bank", "pads/editing"  # keys of the settings
LINES_FOR_BOTH, LINES_FOR_BANKS = 16, 9  # of text, in the height of the page


class PadsPage(QWidget):
    """`said`: a sentence for the status line."""

    said = Signal(str)

    def __init__(self, link: Link, settings: QSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._link, self._settings = link, settings
        self.pads, self.commands = Pads(), PadCommands(link, self)
        self.presses = Presses(self.commands.play)
        self.grid = PadGrid(self.pads, self)
        self.editor = PadEditor()
        self.banks, self.edit_button = _bank_bar(), QToolButton()
        self._top, self._below = QWidget(), QScrollArea()
        commands = {name: functools.partial(self._do, name) for name in ("stop", "lock", "save", "paste", "clear")}
        self.menu = PadActions(self, self.grid.buttons, {"edit": self._edit, "undo": self.commands.undo, **commands})
        self._lay_out()
        self._connect()
        self.banks.setCurrentIndex(saved.whole(settings.value(BANK), high=BANKS - 1))
        self.edit_button.setChecked(saved.flag(settings.value(EDITING, "false")))
        self._ask()

    @property
    def current(self) -> Pad:
        """The pad that has, or had last, the focus."""
        return self.pads[self.grid.current]

    def _lay_out(self) -> None:
        self.edit_button.setText("Edit")
        self.edit_button.setCheckable(True)
        self.edit_button.setToolTip("Show the editor of the current pad (Enter on a pad)")
        top = QHBoxLayout(self._top)
        top.setContentsMargins(0, 0, 0, 0)
        top.setSpacing(2)
        top.addWidget(self.banks, 1)
        top.addWidget(self.edit_button)
        self._below.setWidgetResizable(True)
        self._below.setFrameShape(QFrame.Shape.NoFrame)
        self._below.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._below.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._below.setWidget(self.editor)
        self._below.hide()
        self._top.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        column = QVBoxLayout(self)
        column.setContentsMargins(2, 4, 2, 2)
        column.setSpacing(4)
        column.addWidget(self._top)
        column.addWidget(self.grid, 3)
        column.addWidget(self._below, 2)
        column.addStretch(0)
        self.setFocusProxy(self.grid)

    def _connect(self) -> None:
        self._link.received.connect(self._on_message)
        self._link.connected.connect(self._ask)
        self._link.state_changed.connect(self._on_state)
        self.commands.said.connect(self.said)
        self.banks.currentChanged.connect(self._on_bank)
        self.edit_button.toggled.connect(self._show_editor)
        self.grid.chosen.connect(self._show_current)
        self.editor.wanted.connect(self.commands.set)
        self.editor.wanted.connect(self._leave_editor)
        self.editor.left.connect(self._leave_editor)
        for place, button in enumerate(self.grid.buttons):
            button.hit.connect(functools.partial(self._on_hit, place))
            button.let_go.connect(functools.partial(self._on_let_go, place))
            button.clicked.connect(functools.partial(self._on_click, place))
            button.dropped.connect(functools.partial(self._on_dropped, place))
            button.menu_wanted.connect(functools.partial(self._on_menu, button))
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._on_focus)

    # ---- the daemon ----

    def _ask(self) -> None:
        """Ask the daemon for everything: it may be another one."""
        self.pads.forget()
        self.grid.show_bank(self.grid.bank)
        self._link.send("/bridge/pads")
        self._link.send("/bridge/presets")

    def _on_state(self, state: str, _why: str) -> None:
        if state == ABSENT:
            self.presses.held.clear()
            self.pads.forget()
            self.grid.show_bank(self.grid.bank)

    def _on_message(self, address: str, arguments: list[Any]) -> None:
        if (changed := self.pads.read(address, arguments)) is not None:
            self.grid.changed(changed)
            if changed == self.grid.current:
                self._show_current()
            return
        match address.split("/"), arguments:
            case ["", "bridge", "presets"], [*names]:
                self.editor.set_presets([name for name in names if isinstance(name, str)])
            case ["", "bridge", "preset"], _:
                self._link.send("/bridge/presets")
            case ["", "bridge", "pad", number, "saved"], [str(path), str(why), *_]:
                self.said.emit(f"Pad {number} is saved: {path}" if path else f"Pad {number} is not saved: {why}")
            case ["", "bridge", "error"], [str(about), code, str(why), *_] if about.startswith("/bridge/pad/"):
                self.said.emit(self._advice(about.split("/")[3:], code) or why)

    def _advice(self, about: list[str], code: object) -> str:
        """What to do in this window about an error; "" if the daemon says it best."""
        match about, code:
            case [number, "load"], "unknown_clip":
                return f"Pad {number} plays files in the folder of clips: copy it there first."
            case [number, _], "pad_empty" if (
                number.isdecimal() and int(number) < COUNT and self.pads[int(number)].state == "empty"
            ):
                return f"Pad {number} is empty: press Edit, or drop a clip on it."
        return ""

    # ---- playing ----

    def _on_hit(self, place: int, velocity: float, source: object) -> None:
        self.grid.buttons[place].setFocus(Qt.FocusReason.MouseFocusReason)
        self.presses.press((source, place), self.grid.number(place), velocity)

    def _on_let_go(self, place: int, source: object) -> None:
        self.presses.release((source, place))

    def _on_click(self, place: int) -> None:
        """A screen reader pressed it: a pad that is held sounds until it is pressed again."""
        number = self.grid.number(place)
        held = ("click", number) in self.presses.held
        if not held:
            self.presses.press(("click", number), number, 1.0)
        if held or not self.pads[number].keys.get("gate"):
            self.presses.release(("click", number))

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if self._plays() and pad_keys.place(event) is not None:
                event.accept()  # a window's shortcut must not take the key of a pad
                return True
        elif event.type() == QEvent.Type.WindowDeactivate:
            self.presses.release_all()
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        place = pad_keys.place(event)
        if event.key() in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            step = 1 if event.key() == Qt.Key.Key_PageUp else -1
            self.banks.setCurrentIndex(min(BANKS - 1, max(0, self.grid.bank + step)))
        elif place is None or not self._plays():
            event.ignore()
        elif not event.isAutoRepeat():
            self.grid.learn_key(place, event.text())
            self.presses.press(("key", place), self.grid.number(place), 1.0)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        place = pad_keys.place(event)
        if place is None:
            event.ignore()
        elif not event.isAutoRepeat():
            self.presses.release(("key", place))

    def _plays(self) -> bool:
        """Whether keys play pads now: not while the editor has the focus."""
        focus = QApplication.focusWidget()
        return focus is None or not self.editor.isAncestorOf(focus)

    def _on_focus(self, _old: QWidget | None, now: QWidget | None) -> None:
        if now not in self.grid.buttons:
            self.presses.release_all()

    def hideEvent(self, event: QHideEvent) -> None:
        self.presses.release_all()
        super().hideEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        self._link.send("/bridge/pads")  # in case a message got lost
        super().showEvent(event)
        if not event.spontaneous() and not isinstance(QApplication.focusWidget(), QTabBar):
            self.grid.current_button.setFocus()  # who turned to this page wants to play; but arrows go through the tabs

    # ---- the current pad ----

    def _on_bank(self, bank: int) -> None:
        self._settings.setValue(BANK, bank)
        self.grid.show_bank(bank)

    def _show_current(self) -> None:
        self.editor.show_pad(self.current)
        self.menu.show(self.current)

    def _show_editor(self, shown: bool) -> None:
        self._settings.setValue(EDITING, "true" if shown else "false")
        self._fit()

    def _fit(self) -> None:
        """In a small window the editor takes the place of the pads, and without an editor the pads get all of it."""
        shown, height = self.edit_button.isChecked(), self.editor.sizeHint().height()
        lines = self.height() / self.fontMetrics().lineSpacing()
        self._below.setMaximumHeight(height)
        self._below.setVisible(shown)
        self.grid.setVisible(not shown or lines >= LINES_FOR_BOTH)
        self._top.setVisible(shown or lines >= LINES_FOR_BANKS)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _leave_editor(self) -> None:
        if self.grid.isHidden():
            self.edit_button.setChecked(False)
        self.grid.setFocus()

    def _on_menu(self, button: PadButton, place: QPoint) -> None:
        self.presses.release_all()
        button.setFocus(Qt.FocusReason.MouseFocusReason)
        self._show_current()
        self.menu.actions["undo"].setEnabled(self.commands.can_undo)
        self.menu.popup(place)

    def _on_dropped(self, place: int, what: Any) -> None:
        self.commands.drop(self.pads[self.grid.number(place)], what)

    def _do(self, name: str) -> None:
        """Do something with the current pad."""
        getattr(self.commands, name)(self.current)

    def _edit(self) -> None:
        self.edit_button.setChecked(True)
        self.editor.prompt.setFocus(Qt.FocusReason.OtherFocusReason)
        self.editor.prompt.selectAll()


def _bank_bar() -> QTabBar:
    bar = QTabBar()
    bar.setDrawBase(False)
    bar.setAcceptDrops(True)
    bar.setChangeCurrentOnDrag(True)
    bar.setExpanding(False)
    bar.setUsesScrollButtons(False)
    bar.setElideMode(Qt.TextElideMode.ElideNone)
    bar.setAccessibleName("Bank of pads")
    for bank in range(BANKS):
        bar.addTab("ABCDEFGH"[bank])
        bar.setTabToolTip(bank, f"Pads {bank * IN_BANK} to {(bank + 1) * IN_BANK - 1} (Page Up, Page Down)")
    return bar
