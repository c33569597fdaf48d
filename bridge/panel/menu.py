"""The menu: what is shown, how it looks, and the daemon."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QSettings
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from bridge.panel.look import CHOICES, Look


@dataclass(frozen=True, slots=True)
class Switch:
    """A choice that is remembered. `key`: in the settings."""

    key: str
    words: str
    default: bool
    keys: str = ""


ON_TOP = Switch("window/on_top", "Stay on top of other windows", False, "Ctrl+T")
KEEP_RUNNING = Switch("daemon/keep_running", "Let Clipbridge run on when this window closes", False)
SHOW_FORM = Switch("show/form", "Form", True, "Ctrl+Shift+F")
SHOW_JOBS = Switch("show/jobs", "Jobs", True, "Ctrl+Shift+J")
SHOW_STATUS = Switch("show/status", "Status line", True)
SWITCHES = (ON_TOP, KEEP_RUNNING, SHOW_FORM, SHOW_JOBS, SHOW_STATUS)


def is_on(settings: QSettings, switch: Switch) -> bool:
    """Whether a switch is on."""
    return str(settings.value(switch.key, switch.default)).lower() in ("true", "1")


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
