"""The bar below the form that asks what to do with a dropped file. Not a dialog: it can wait, and nothing else has to."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

from bridge.panel import icons
from bridge.panel.offers import WAYS, Offer
from bridge.panel.text_line import TextLine

COLUMNS = 6  # of the grid: two or three buttons in a row


class OfferBar(QFrame):
    """Signal: `chosen(offer)`. Hidden while nothing is offered."""

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.words = TextLine("Dropped file")
        self.close_button = QToolButton(autoRaise=True)
        self.close_button.setIcon(icons.icon(icons.CLOSE))
        self.close_button.setAccessibleName("Do nothing with the dropped file")
        self.close_button.setToolTip("Do nothing with it")
        self.close_button.clicked.connect(self.clear)
        self.buttons: list[QPushButton] = []
        column = QGridLayout(self)
        column.setContentsMargins(6, 4, 4, 4)
        top = QHBoxLayout()
        top.addWidget(self.words, 1)
        top.addWidget(self.close_button)
        column.addLayout(top, 0, 0, 1, COLUMNS)
        self.why = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.why.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self._grid = column
        self.setVisible(False)

    def show_offers(self, words: str, offers: list[Offer], why: str = "") -> None:
        """Ask. Without offers, only the words are shown. `why`: a sentence about what is not offered."""
        self.clear()
        self.words.setText(words)
        ways = [offer for offer in offers if offer.what in WAYS]
        others = [offer for offer in offers if offer.what not in WAYS]
        rows = [others[at : at + 2] for at in range(0, len(others), 2)]
        rows[1 if others and others[0].what == "recipe" else 0 : 0] = [ways] if ways else []
        for at, row in enumerate(rows, 1):
            for place, offer in enumerate(row):
                button = QPushButton(offer.words)
                button.clicked.connect(partial(self._choose, offer))
                width = COLUMNS // max(2, len(row))
                self._grid.addWidget(button, at, place * width, 1, width)
                self.buttons.append(button)
        self.why.setText(why)
        self.why.setVisible(bool(why))
        self._grid.addWidget(self.why, 1 + len(rows), 0, 1, COLUMNS)
        self.setVisible(True)
        first: QWidget = self.buttons[0] if self.buttons else self.close_button
        first.setFocus()

    def clear(self) -> None:
        """Hide it."""
        for button in self.buttons:
            self._grid.removeWidget(button)
            button.setVisible(False)
            button.deleteLater()
        self.buttons.clear()
        self.setVisible(False)

    def _choose(self, offer: Offer) -> None:
        self.clear()
        self.chosen.emit(offer)
