"""Three buttons: vary, continue, fill. Those that the running checkpoint cannot do are grey, and say why."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QToolButton, QWidget

from bridge.domain.source import HOWS, How
from bridge.panel.abilities import Abilities

WORDS: dict[How, str] = {"vary": "Vary", "continue": "Continue", "fill": "Fill"}
WHAT: dict[How, str] = {
    "vary": "Make other versions of this sound",
    "continue": "Go on after this sound: the clip begins with it",
    "fill": "Make a marked part of this sound again, and keep the rest as it is",
}


class WayButtons(QWidget):
    """`chosen(how)`: a button was pressed. With `stays`, the pressed one stays down: `how` is the way that is chosen."""

    chosen = Signal(str)

    def __init__(self, abilities: Abilities, stays: bool) -> None:
        super().__init__()
        self._abilities = abilities
        self._why: dict[How, str] = {}  # what else is missing
        self.buttons: dict[How, QToolButton] = {}
        self._group = QButtonGroup(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        for how in HOWS:
            button = self.buttons[how] = QToolButton(autoRaise=not stays)
            button.setText(WORDS[how])
            button.setCheckable(stays)
            button.setAccessibleName(WORDS[how])
            button.clicked.connect(partial(self._on_clicked, how))
            self._group.addButton(button)
            row.addWidget(button)
        abilities.changed.connect(self.show_abilities)
        self.show_abilities()

    @property
    def how(self) -> How:
        """The way that is chosen."""
        return next((how for how, button in self.buttons.items() if button.isChecked()), "vary")

    def choose(self, how: How) -> None:
        """Choose a way, as if it was pressed but without a signal."""
        self.buttons[how].setChecked(True)
        self._mark()

    def changeEvent(self, event: QEvent) -> None:
        """Mark the chosen one in other colours."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._mark()

    def _on_clicked(self, how: How) -> None:
        self._mark()
        self.chosen.emit(how)

    def _mark(self) -> None:
        """Give the chosen one the colour of what is selected: its frame alone is hard to see."""
        for button in self.buttons.values():
            colours = QPalette()
            if button.isChecked():
                colours.setColor(QPalette.ColorRole.Button, self.palette().color(QPalette.ColorRole.Highlight))
                colours.setColor(
                    QPalette.ColorRole.ButtonText, self.palette().color(QPalette.ColorRole.HighlightedText)
                )
            button.setPalette(colours)

    def show_missing(self, why: dict[How, str]) -> None:
        """Make some ways grey for these reasons."""
        self._why = why
        self.show_abilities()

    def show_abilities(self) -> None:
        """Make grey what cannot be done now."""
        for how, button in self.buttons.items():
            why = self._abilities.refusal([how]) or self._why.get(how, "")
            button.setEnabled(not why)
            button.setToolTip(why or WHAT[how])
            button.setAccessibleDescription(why or WHAT[how])
