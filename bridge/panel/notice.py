"""A line at the bottom of the list that says what happened, or asks, and never stops the music as a dialog would."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from bridge.panel.text_line import TextLine


class Notice(QWidget):
    """A sentence and one or two buttons; hidden until there is one. `is_question`: it waits for an answer.

    `closed`: answered, or no longer true."""

    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text, self._yes, self._no = TextLine(), QPushButton(), QPushButton("Cancel")
        self.is_question = False
        self._do: Callable[[], None] = self.close_it
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._text, 1)
        layout.addWidget(self._yes)
        layout.addWidget(self._no)
        self._yes.clicked.connect(self._on_yes)
        self._no.clicked.connect(self.close_it)
        self.setVisible(False)

    def show_it(self, sentence: str, button: str, do: Callable[[], None], asks: bool = False) -> None:
        """Show a sentence with a button that calls `do`; a question can be cancelled, and gets the keyboard."""
        self._text.setText(sentence)
        self._yes.setText(button)
        self._yes.setAccessibleDescription(sentence)
        self._do, self.is_question = do, asks
        self._no.setVisible(asks)
        self.setVisible(True)
        if asks:
            self._no.setFocus()

    def close_it(self) -> None:
        """Take it away."""
        self.is_question = False
        if not self.isHidden():
            self.setVisible(False)
            self.closed.emit()

    def _on_yes(self) -> None:
        do = self._do
        self.close_it()
        do()
