"""What a drop would do, written over the window during a drag."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from bridge.panel.look import colours

MARGIN = 8


class DropHint(QWidget):
    """Covers its parent while it is shown, and lets the mouse through."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._covered = parent
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._words, self._useful = "", True
        self.hide()

    def tell(self, words: str, useful: bool) -> None:
        """Show it, in the colour of what can be dropped or cannot."""
        self._words, self._useful = words, useful
        self.setGeometry(self._covered.rect())
        self.raise_()
        self.show()
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        now = colours()
        colour = QColor(now.accent if self._useful else now.error)
        veil = QColor(now.window)
        veil.setAlphaF(0.88)
        box = QRectF(self.rect()).adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), veil)
        painter.setPen(QPen(colour, 2, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(box, 6, 6)
        painter.setPen(QColor(now.text))
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(box.adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN), int(flags), self._words)
        painter.end()
