"""The panel's few icons, drawn in the colour of the text at the screen's own resolution: fonts may lack the characters."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QIconEngine, QPainter, QPalette, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QApplication

STOP, CLOSE, MENU, PLAY = "stop", "close", "menu", "play"


class _Engine(QIconEngine):
    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def clone(self) -> QIconEngine:
        return _Engine(self._name)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        made = QPixmap(size)
        made.fill(Qt.GlobalColor.transparent)
        painter = QPainter(made)
        self.paint(painter, QRect(0, 0, size.width(), size.height()), mode, state)
        painter.end()
        return made

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        group = QPalette.ColorGroup.Disabled if mode == QIcon.Mode.Disabled else QPalette.ColorGroup.Active
        draw(self._name, painter, QRectF(rect), QApplication.palette().color(group, QPalette.ColorRole.ButtonText))


def draw(name: str, painter: QPainter, rect: QRectF, colour: QColor) -> None:
    """Draw an icon into a rectangle."""
    side = min(rect.width(), rect.height())
    part = 0.4 if name == CLOSE else 0.56
    inner = QRectF(0, 0, side * part, side * part)
    inner.moveCenter(rect.center())
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    pen = QPen(colour, max(1.0, side / 10))
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setPen(pen)
    match name:
        case "stop":
            painter.fillRect(inner, colour)
        case "close":
            painter.drawLine(inner.topLeft(), inner.bottomRight())
            painter.drawLine(inner.topRight(), inner.bottomLeft())
        case "menu":
            for part in (0.1, 0.5, 0.9):
                y = inner.top() + inner.height() * part
                painter.drawLine(QPointF(inner.left(), y), QPointF(inner.right(), y))
        case "play":
            painter.setBrush(colour)
            middle = QPointF(inner.right(), inner.center().y())
            painter.drawPolygon(QPolygonF([inner.topLeft(), middle, inner.bottomLeft()]))
    painter.restore()


def icon(name: str) -> QIcon:
    """The icon of that name, which follows the palette."""
    return QIcon(_Engine(name))
