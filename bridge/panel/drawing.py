"""Draws waveforms and stars, at the resolution of the screen."""

from __future__ import annotations

import math

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPixmap, QPolygonF

from bridge.panel.waveform import FULL_SCALE, Lane, Waveform


def waveform_picture(waveform: Waveform, width: float, height: float, ratio: float, colour: QColor) -> QPixmap:
    """A picture of a waveform of that size in points, on a screen with `ratio` pixels in each. Two channels share the height."""
    picture = QPixmap(max(1, round(width * ratio)), max(1, round(height * ratio)))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    pen = QPen(colour)
    pen.setCosmetic(True)  # one pixel
    painter.setPen(pen)
    lanes = waveform.lanes
    for number, lane in enumerate(lanes):
        top, bottom = (picture.height() * edge // len(lanes) for edge in (number, number + 1))
        painter.drawLines(_lines(lane, picture.width(), top, bottom - top))
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture


def _lines(lane: Lane, width: int, above: int, height: int) -> list[QLineF]:
    """A line for each pixel, at least one pixel long. `above`: pixels above the lane."""
    low, high = memoryview(lane.low).cast("b"), memoryview(lane.high).cast("b")
    columns, reach = len(low), (height - 1) / 2
    middle = above + reach
    if not columns:
        return [QLineF(0.5, middle, width - 0.5, middle)]
    scale, lines = reach / FULL_SCALE, []
    for x in range(width):
        first = x * columns // width
        last = max(first + 1, (x + 1) * columns // width)
        top, bottom = middle - max(high[first:last]) * scale, middle - min(low[first:last]) * scale
        lines.append(QLineF(x + 0.5, top, x + 0.5, max(bottom, top + 1.0)))
    return lines


def draw_star(painter: QPainter, area: QRectF, colour: QColor, filled: bool) -> None:
    """A star with five points in the middle of `area`: fonts may have none."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    outer, points = min(area.width(), area.height()) / 2, []
    for corner in range(10):
        radius, angle = (outer, outer * 0.42)[corner % 2], math.pi * (corner / 5 - 0.5)
        points.append(area.center() + QPointF(radius * math.cos(angle), radius * math.sin(angle)))
    path = QPainterPath()
    path.addPolygon(QPolygonF(points))
    path.closeSubpath()
    if filled:
        painter.fillPath(path, colour)
    else:
        painter.setPen(QPen(colour, 1.0))
        painter.drawPath(path)
    painter.restore()
