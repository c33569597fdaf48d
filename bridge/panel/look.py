"""How the panel looks: two palettes of our own on Qt's Fusion style, because Qt's dark scheme has no effect on some systems."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, QSettings
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory

SYSTEM, DARK, LIGHT = "system", "dark", "light"
CHOICES = (SYSTEM, DARK, LIGHT)


@dataclass(frozen=True, slots=True)
class Colours:
    """The colours of a palette. `error`: text about what failed, readable on `window`."""

    window: str
    base: str
    raised: str
    line: str
    text: str
    faint: str
    accent: str
    on_accent: str
    error: str
    ready: str
    busy: str


COLOURS = {
    DARK: Colours("#2b3135", "#181c1f", "#3a4349", "#4a555c", "#e6eaec", "#9eabb2", "#5ab0f5", "#0b1216", "#ff9a8f", "#6fcf7c", "#f0b64a"),
    LIGHT: Colours("#eef1f3", "#ffffff", "#fafbfc", "#c3ccd1", "#1c2529", "#5b6b73", "#1565c0", "#ffffff", "#b3261e", "#2e7d32", "#9a6200"),
}  # fmt: skip


def palette(colours: Colours) -> QPalette:
    """The palette with these colours, with faint text for what is disabled."""
    roles = QPalette.ColorRole
    made = QPalette(QColor(colours.raised), QColor(colours.window))
    for role, colour in (
        (roles.Window, colours.window), (roles.WindowText, colours.text), (roles.Base, colours.base),
        (roles.AlternateBase, colours.window), (roles.Text, colours.text), (roles.Button, colours.raised),
        (roles.ButtonText, colours.text), (roles.BrightText, colours.error), (roles.Highlight, colours.accent),
        (roles.HighlightedText, colours.on_accent), (roles.Accent, colours.accent), (roles.Link, colours.accent),
        (roles.PlaceholderText, colours.faint), (roles.Mid, colours.line), (roles.ToolTipBase, colours.raised),
        (roles.ToolTipText, colours.text),
    ):  # fmt: skip
        made.setColor(role, QColor(colour))
    for role in (roles.WindowText, roles.Text, roles.ButtonText, roles.HighlightedText):
        made.setColor(QPalette.ColorGroup.Disabled, role, QColor(colours.faint))
    made.setColor(QPalette.ColorGroup.Disabled, roles.Highlight, QColor(colours.line))
    return made


class Look(QObject):
    """Keeps the application's palette as the user chose it, and as the system changes. `choice`: one of CHOICES."""

    def __init__(self, application: QApplication, settings: QSettings) -> None:
        super().__init__(application)
        self._application, self._settings = application, settings
        saved = str(settings.value("look/colours", SYSTEM))
        self.choice = saved if saved in CHOICES else SYSTEM
        application.setStyle(QStyleFactory.create("Fusion"))
        seen = str(settings.value("look/system", DARK))
        self._system = seen if seen in COLOURS else DARK
        self.apply()

    def follow_system(self) -> None:
        """Ask the system for its colours, now and whenever they change. Until then those of the last time are used: the import of
        what this needs takes as long as the rest of a first window."""
        hints = self._application.styleHints()
        hints.colorSchemeChanged.connect(self._on_system)
        self._on_system()

    def _on_system(self) -> None:
        from PySide6.QtCore import Qt

        light = self._application.styleHints().colorScheme() == Qt.ColorScheme.Light
        system = LIGHT if light else DARK
        self._settings.setValue("look/system", system)
        if system != self._system:
            self._system = system
            self.apply()

    def choose(self, choice: str) -> None:
        """Change the palette now, and remember the choice."""
        self.choice = choice
        self._settings.setValue("look/colours", choice)
        self.apply()

    def apply(self) -> None:
        """Set the palette that is chosen. A system that does not state its colours gets the dark one, as in most DAWs."""
        self._application.setPalette(palette(COLOURS[self.scheme]))

    @property
    def scheme(self) -> str:
        """DARK or LIGHT."""
        return self._system if self.choice == SYSTEM else self.choice


def colours() -> Colours:
    """The colours in use, for what no role of a palette stands for."""
    dark = QApplication.palette().color(QPalette.ColorRole.Window).lightness() < 128
    return COLOURS[DARK if dark else LIGHT]
