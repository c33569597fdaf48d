"""What a drop would do, written over the parts of the window during a drag."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from bridge.panel.look import colours

MARGIN = 6


@dataclass(frozen=True, slots=True)
class Zone:
    """A part of the window. `words`: what a drop there would do; `is_useful`: it would do something; `is_here`: the mouse is there."""

    area: QRect
    words: str
    is_useful: bool = True
    is_here: bool = True


class DropHint(QWidget):
    """Covers the zones while it is shown, and lets the mouse through. `zones`: those that are shown."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.zones: list[Zone] = []
        self.hide()

    def tell(self, zones: list[Zone]) -> None:
        """Show them, in the colours of what can be dropped or cannot."""
        self.zones = zones
        covered = QRect()
        for zone in zones:
            covered = covered.united(zone.area)
        self.setGeometry(covered)
        self.raise_()
        self.show()
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for zone in self.zones:
            self._paint(painter, zone)
        painter.end()

    def _paint(self, painter: QPainter, zone: Zone) -> None:
        now, area = colours(), QRectF(zone.area.translated(-self.pos()))
        veil = QColor(now.window)
        veil.setAlphaF(0.88)
        painter.fillRect(area, veil)
        colour = QColor(now.text if not zone.is_here else now.accent if zone.is_useful else now.error)
        box = area.adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
        painter.setPen(QPen(colour, 2 if zone.is_here else 1, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(box, 6, 6)
        painter.setPen(QColor(now.text))
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(box.adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN), int(flags), zone.words)
