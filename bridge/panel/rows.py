"""Draws a row of the list: waveform, prompt, length, tempo, key, star."""

from __future__ import annotations

import time
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QMouseEvent, QPainter, QPalette, QPixmap, QPixmapCache
from PySide6.QtWidgets import QApplication, QLineEdit, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from bridge.panel.clip_model import CLIP, MISSING, ROW, Index
from bridge.panel.clips import Clip
from bridge.panel.drawing import draw_star, waveform_picture
from bridge.panel.peaks import Peaks
from bridge.panel.takes import Row

COLUMNS = 256  # of each waveform: enough for 128 points on a screen with two pixels in each
FAINT = 0.65
PICTURES_KB = 3 * 1024  # for those of about two screens; drawing one again takes less than a millisecond
PAINT_S = 0.010  # of each turn of the event loop, for new pictures


@dataclass(frozen=True, slots=True)
class Places:
    """The parts of a row, in points."""

    wave: QRect
    title: QRect
    facts: QRect
    star: QRect


def places(area: QRect, metrics: QFontMetrics, is_take: bool = False) -> Places:
    """Where the parts of the row `area` are. A narrow row has no waveform; other takes of a job are indented."""
    line, gap = metrics.height(), max(3, metrics.height() // 3)
    indent = 2 * line if is_take else 0
    inner = area.adjusted(gap + indent, gap // 2, -gap, -gap // 2)
    wave_width = min(9 * line, inner.width() // 3) if inner.width() > 12 * line else 0
    wave = QRect(inner.left(), inner.top(), wave_width, inner.height())
    star = QRect(inner.right() - line - gap, inner.top(), line + gap, inner.height())
    left = wave.right() + 1 + (gap * 2 if wave_width else 0)
    title = QRect(left, inner.top(), max(0, star.left() - gap - left), inner.height() // 2)
    return Places(wave, title, title.translated(0, inner.height() // 2), star)


class RowDelegate(QStyledItemDelegate):
    """`star_clicked(index)`. `playing` and `position` (0 to 1): the row that sounds, and where. `budget_s`: the time left for
    new pictures, and `is_unfinished`: it was not enough."""

    star_clicked = Signal(QModelIndex)

    def __init__(self, peaks: Peaks, parent: QWidget) -> None:
        super().__init__(parent)
        self._peaks = peaks
        QPixmapCache.setCacheLimit(PICTURES_KB)
        self.playing, self.position = "", 0.0
        self.budget_s, self.is_unfinished = PAINT_S, False

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Two lines of text, and what is around them."""
        return QSize(12 * option.fontMetrics.height(), option.fontMetrics.height() * 5 // 2)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw the row with the colours of the palette."""
        clip, row, missing = index.data(CLIP), index.data(ROW), index.data(MISSING)
        style = option.widget.style() if option.widget is not None else QApplication.style()
        style.drawPrimitive(QStyle.PrimitiveElement.PE_PanelItemViewItem, option, painter, option.widget)
        is_selected = bool(option.state & QStyle.StateFlag.State_Selected)
        group = QPalette.ColorGroup.Active if not missing else QPalette.ColorGroup.Disabled
        role = QPalette.ColorRole.HighlightedText if is_selected else QPalette.ColorRole.Text
        text = option.palette.color(group, role)
        accent = text if is_selected or missing else option.palette.color(group, QPalette.ColorRole.Highlight)
        at = places(option.rect, option.fontMetrics, not row.is_best)
        painter.save()
        self._draw_wave(painter, at.wave, clip, accent, missing)
        painter.setPen(text)
        elide, left = Qt.TextElideMode.ElideRight, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.setFont(option.font)
        painter.drawText(at.title, left, option.fontMetrics.elidedText(clip.title, elide, at.title.width()))
        painter.setPen(_faint(text))
        facts = "file is missing" if missing else "   ".join(_facts(clip, row))
        painter.drawText(at.facts, left, option.fontMetrics.elidedText(facts, elide, at.facts.width()))
        side = option.fontMetrics.height() * 0.9
        star = QRectF(0, 0, side, side)
        star.moveCenter(QRectF(at.star).center())
        draw_star(painter, star, accent if clip.favourite else _faint(text), bool(clip.favourite))
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(_faint(text))
            painter.drawRect(option.rect.adjusted(0, 0, -1, -1))
        painter.restore()

    def _draw_wave(self, painter: QPainter, area: QRect, clip: Clip, colour: QColor, missing: str) -> None:
        if area.width() <= 0:
            return
        picture = self.picture(clip.path, area.size(), painter.device().devicePixelRatioF(), colour)
        if picture is None or missing:
            painter.setPen(_faint(colour))
            painter.drawLine(area.left(), area.center().y(), area.right(), area.center().y())
        else:
            painter.drawPixmap(area.topLeft(), picture)
        if clip.path == self.playing:
            painter.setPen(painter.pen().color() if missing else colour)
            x = area.left() + round(self.position * (area.width() - 1))
            painter.fillRect(QRect(x, area.top(), 2, area.height()), colour)

    def picture(self, path: str, size: QSize, ratio: float, colour: QColor) -> QPixmap | None:
        """The waveform of a file as a picture; None until it has been read."""
        waveform = self._peaks.get(path, COLUMNS)
        if waveform is None:
            return None
        key = f"wave {waveform.serial} {size.width()} {size.height()} {ratio} {colour.rgba()}"
        picture = QPixmap()
        if not QPixmapCache.find(key, picture):
            if self.budget_s <= 0:
                self.is_unfinished = True
                return None
            began = time.perf_counter()
            picture = waveform_picture(waveform.together, size.width(), size.height(), ratio, colour)
            QPixmapCache.insert(key, picture)
            self.budget_s -= time.perf_counter() - began
        return picture

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        """A field for another name of the file."""
        editor = QLineEdit(parent)
        editor.setAccessibleName("New name of the file")
        return editor

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        """Over the whole row, without its star."""
        editor.setGeometry(option.rect)

    def editorEvent(self, event: QEvent, model: object, option: QStyleOptionViewItem, index: Index) -> bool:
        """A click on the star."""
        if event.type() == QEvent.Type.MouseButtonRelease and isinstance(event, QMouseEvent):
            star = places(option.rect, option.fontMetrics).star
            if event.button() == Qt.MouseButton.LeftButton and star.contains(event.position().toPoint()):
                self.star_clicked.emit(index)
                return True
        return False


def _facts(clip: Clip, row: Row) -> list[str]:
    take = [f"{row.takes} takes" if row.is_best else f"take {clip.take}"] if row.takes > 1 else []
    return [*clip.facts, *take]


def _faint(colour: QColor) -> QColor:
    faint = QColor(colour)
    faint.setAlphaF(colour.alphaF() * FAINT)
    return faint
