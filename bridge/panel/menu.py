"""The menu: what is shown, how it looks, and the daemon."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSettings
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from bridge.panel.look import CHOICES, Look
from bridge.panel.switches import ON_TOP, SHOW_FORM, SHOW_JOBS, SHOW_STATUS, SWITCHES, Switch, is_on


class Menu(QMenu):
    """The menu. `on_switch(switch, on)` is called when one changes."""

    def __init__(
        self,
        parent: QWidget,
        settings: QSettings,
        look: Look,
        on_switch: Callable[[Switch, bool], None],
    ) -> None:
        super().__init__(parent)
        self._window, self._settings, self._on_switch = parent, settings, on_switch
        self.switches = {switch: self._switch(switch) for switch in SWITCHES}
        self.addAction(self.switches[ON_TOP])
        show = self.addMenu("Show")
        for switch in (SHOW_FORM, SHOW_JOBS, SHOW_STATUS):
            show.addAction(self.switches[switch])
        colours = self.addMenu("Colours")
        group = QActionGroup(self)
        for choice in CHOICES:
            action = QAction(choice.capitalize(), group, checkable=True, checked=choice == look.choice)
            action.triggered.connect(lambda _checked, choice=choice: look.choose(choice))
            colours.addAction(action)
        self.addSeparator()

    def add(self, words: str, do: Callable[[], object], keys: str = "") -> QAction:
        """Add a command."""
        action = QAction(words, self._window)
        if keys:
            action.setShortcut(QKeySequence(keys))
            self._window.addAction(action)  # so that its keys work while the menu is closed
        action.triggered.connect(lambda _checked: do())
        self.addAction(action)
        return action

    def _switch(self, switch: Switch) -> QAction:
        action = QAction(switch.words, self._window, checkable=True, checked=is_on(self._settings, switch))
        if switch.keys:
            action.setShortcut(QKeySequence(switch.keys))
            self._window.addAction(action)

        def on_toggled(on: bool) -> None:
            self._settings.setValue(switch.key, on)
            self._on_switch(switch, on)

        action.toggled.connect(on_toggled)
        return action
