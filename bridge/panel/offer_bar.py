"""The bar below the form that asks what to do with a dropped file. Not a dialog: it can wait, and nothing else has to."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QPushButton, QToolButton, QWidget

from bridge.panel import icons
from bridge.panel.offers import Offer
from bridge.panel.text_line import TextLine


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
        column.addLayout(top, 0, 0, 1, 2)
        self._grid = column
        self.setVisible(False)

    def show_offers(self, words: str, offers: list[Offer]) -> None:
        """Ask. Without offers, only the words are shown."""
        self.clear()
        self.words.setText(words)
        for at, offer in enumerate(offers):
            button = QPushButton(offer.words)
            button.clicked.connect(partial(self._choose, offer))
            self._grid.addWidget(button, 1 + at // 2, at % 2)
            self.buttons.append(button)
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
