"""One line of text that never makes its window wider: what does not fit is cut with "…", and the tool tip has all of it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from bridge.panel.tool_tips import as_it_is

LONGEST = 2_000  # characters that are kept of a text that comes from elsewhere


class TextLine(QLabel):
    """A plain-text label of one line. `about`: what a screen reader says before the text, such as "Status"."""

    def __init__(self, about: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._about = about
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setText("")

    def setText(self, text: str) -> None:
        """Show a text of any length, without line breaks."""
        super().setText(" ".join(text[:LONGEST].split()))
        self.setAccessibleName(": ".join(filter(None, [self._about, self.text()])))
        self._hint()

    def minimumSizeHint(self) -> QSize:
        return QSize(20, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._hint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        rect = self.contentsRect()
        cut = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, rect.width())
        painter.drawText(rect, int(self.alignment()) | int(Qt.TextFlag.TextSingleLine), cut)
        painter.end()

    def _hint(self) -> None:
        fits = self.fontMetrics().horizontalAdvance(self.text()) <= self.width()
        self.setToolTip("" if fits else as_it_is(self.text()))
