"""The 16 pads of a bank, four by four, the first at the bottom left as on other pads. Arrow keys move between them."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from bridge.panel.pad_button import PadButton
from bridge.panel.pad_facts import IN_BANK, Pads
from bridge.panel.pad_keys import LETTERS

COLUMNS = 4
REFRESH_MS = 33  # however many messages arrive
STEPS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1)}


class PadGrid(QWidget):
    """Shows `pads` of one `bank`. `chosen(number)`: another pad is the current one. `changed(number)` must be told of changes of
    `pads`; they are shown together, a moment later."""

    chosen = Signal(int)

    def __init__(self, pads: Pads, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pads, self.bank, self.current = pads, 0, 0
        self.buttons = [PadButton(letter.upper(), self) for letter in LETTERS]
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        for place, button in enumerate(self.buttons):
            grid.addWidget(button, COLUMNS - 1 - place // COLUMNS, place % COLUMNS)
            button.chosen.connect(lambda place=place: self._choose(place))
        self._changed: set[int] = set()
        self._timer = QTimer(self, singleShot=True, interval=REFRESH_MS)
        self._timer.timeout.connect(self._show_changed)
        self.show_bank(0)
        self._choose(0)

    def number(self, place: int) -> int:
        """The number of the pad at a place of this bank."""
        return self.bank * IN_BANK + place

    @property
    def current_button(self) -> PadButton:
        return self.buttons[self.current % IN_BANK]

    def show_bank(self, bank: int) -> None:
        """Show other pads."""
        self.bank = bank
        for place, button in enumerate(self.buttons):
            button.show_pad(self._pads[self.number(place)])
        self._choose(self.current % IN_BANK)

    def changed(self, number: int) -> None:
        """A pad has changed."""
        self._changed.add(number)
        if not self._timer.isActive():
            self._timer.start()

    def learn_key(self, place: int, text: str) -> None:
        """Show on a pad what is printed on its key, which depends on the keyboard."""
        button = self.buttons[place]
        if text.isprintable() and len(text) == 1 and button.key != text.upper():
            button.key = text.upper()
            button.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = STEPS.get(Qt.Key(event.key()))
        if step is None or event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            event.ignore()
            return
        place = self.current % IN_BANK
        column, row = place % COLUMNS + step[0], place // COLUMNS + step[1]
        if 0 <= column < COLUMNS and 0 <= row < COLUMNS:
            self.buttons[row * COLUMNS + column].setFocus(Qt.FocusReason.OtherFocusReason)

    def _choose(self, place: int) -> None:
        """Make a pad the current one, where the Tab key enters the grid."""
        self.current = self.number(place)
        for other, button in enumerate(self.buttons):
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus if other == place else Qt.FocusPolicy.ClickFocus)
        self.setFocusProxy(self.buttons[place])
        self.chosen.emit(self.current)

    def _show_changed(self) -> None:
        changed, self._changed = self._changed, set()
        for number in changed:
            if number // IN_BANK == self.bank:
                self.buttons[number % IN_BANK].show_pad(self._pads[number])
