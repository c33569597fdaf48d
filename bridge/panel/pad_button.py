"""A pad that is played by mouse, finger or key, and shows its state by light and words."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QDragEnterEvent,
    QDropEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QTouchEvent,
)
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from bridge.panel import pad_drop
from bridge.panel.elide import wrapped
from bridge.panel.pad_facts import Pad
from bridge.panel.tool_tips import as_it_is

SOFTEST = 0.1  # at the bottom edge of a pad; its upper tenth is full velocity
MARGIN, ROUND, BAR = 4, 4, 3  # in device-independent pixels

Group, Role = QPalette.ColorGroup, QPalette.ColorRole


class PadButton(QPushButton):
    """`hit(velocity, source)` and `let_go(source)`: pressed and released by a `source` such as one finger. `dropped`: words or a
    file. `chosen`: it has the focus. `menu_wanted`: at a place of the screen."""

    hit = Signal(float, object)
    let_go = Signal(object)
    dropped = Signal(object)
    chosen = Signal()
    menu_wanted = Signal(object)

    def __init__(self, key: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.key, self.pad = key, Pad(-1)
        self._over = False  # something is dragged over it
        self.setAcceptDrops(True)
        self.setAttribute(Qt.WidgetAttribute.WA_AcceptTouchEvents)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)

    def minimumSizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(metrics.averageCharWidth() * 5, metrics.height())

    def show_pad(self, pad: Pad) -> None:
        """Show the state of a pad, unless it is shown already."""
        if pad == self.pad:
            return
        described = pad.words != self.pad.words or pad.name != self.pad.name
        self.pad = pad
        self.update()
        if described:
            self.setAccessibleName(pad.name)
            self.setAccessibleDescription(", ".join(pad.words))
            self.setToolTip(as_it_is(pad.why))

    # ---- playing ----

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.hit.emit(self._velocity(event.position()), "mouse")

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.let_go.emit("mouse")

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.mousePressEvent(event)  # a fast second hit

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Space or event.modifiers():
            event.ignore()  # the page knows the other keys
        elif not event.isAutoRepeat():
            self.hit.emit(1.0, "space")

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Space:
            event.ignore()
        elif not event.isAutoRepeat():
            self.let_go.emit("space")

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QTouchEvent):  # each finger is a hand of its own, on as many pads as there are fingers
            for point in event.points():
                source = ("finger", point.id())
                if event.type() == QEvent.Type.TouchCancel or point.state() == point.State.Released:
                    self.let_go.emit(source)
                elif point.state() == point.State.Pressed:
                    self.hit.emit(self._velocity(point.position()), source)
            event.accept()
            return True
        return super().event(event)

    def _velocity(self, position: QPointF) -> float:
        height = position.y() / max(1, self.height())
        return round(min(1.0, max(SOFTEST, SOFTEST + (1.0 - height) / 0.9 * (1.0 - SOFTEST))), 3)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.chosen.emit()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_mouse = event.reason() == QContextMenuEvent.Reason.Mouse
        self.menu_wanted.emit(event.globalPos() if by_mouse else self.mapToGlobal(self.rect().center()))

    # ---- drops ----

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if pad_drop.what(event.mimeData()) is not None:
            event.setDropAction(Qt.DropAction.CopyAction)  # sources offer to move as well
            event.accept()
            self._set_over(True)

    def dragLeaveEvent(self, _event: QEvent) -> None:
        self._set_over(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self._set_over(False)
        if (what := pad_drop.what(event.mimeData())) is not None:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self.dropped.emit(what)

    def _set_over(self, over: bool) -> None:
        self._over = over
        self.update()

    # ---- painting ----

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter, pad = QPainter(self), self.pad
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette, lit = self.palette(), pad.sounds
        accent = palette.color(Role.Highlight)
        fill = accent if lit else palette.color(Role.Window if pad.state == "empty" else Role.Button)
        text = palette.color(
            Role.HighlightedText if lit else Role.WindowText if pad.state == "empty" else Role.ButtonText
        )
        box = QRectF(self.rect()).adjusted(1.5, 1.5, -1.5, -1.5)
        painter.setBrush(fill)
        thick = self.hasFocus() or self._over or pad.waits
        edge = text if self.hasFocus() else accent if thick else palette.color(Role.Mid)
        dashed = Qt.PenStyle.DashLine if pad.waits or self._over else Qt.PenStyle.SolidLine
        painter.setPen(QPen(edge, 2 if thick else 1, dashed))
        painter.drawRoundedRect(box, ROUND, ROUND)
        inner = self.rect().adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
        if pad.filled:
            bar = QRectF(inner.left(), box.bottom() - BAR - 1, inner.width() * pad.filled, BAR)
            painter.fillRect(bar, text if lit else accent)
        self._write(painter, inner.adjusted(0, 0, 0, -BAR), text)

    def _write(self, painter: QPainter, box: QRect, colour: QColor) -> None:
        """Number and key at the top, the prompt in the middle, the state at the bottom, as far as there is room."""
        pad, metrics = self.pad, self.fontMetrics()
        quiet = QColor(colour)
        quiet.setAlphaF(0.7)
        lines = box.height() // metrics.lineSpacing()
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop
        if lines >= 2:
            painter.setPen(quiet)
            painter.drawText(box, left, str(pad.number))
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop, self.key)
        if lines >= 3 or (lines == 2 and not pad.prompt):
            words = pad.words if pad.state != "empty" else []
            said = metrics.elidedText(" · ".join(words), Qt.TextElideMode.ElideRight, box.width())
            painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, said)
        painter.setPen(colour)
        top = metrics.lineSpacing() if lines >= 2 else 0
        rows = max(1, lines - 2)
        middle = QRect(box.left(), box.top() + top, box.width(), rows * metrics.lineSpacing())
        name = pad.prompt if lines >= 2 else f"{pad.number} {pad.prompt}"
        painter.drawText(middle, left, "\n".join(wrapped(name, metrics, box.width(), rows)))
