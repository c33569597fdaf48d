"""The waveform of one clip: a click plays from there, a drag selects a part, and the part can be dragged out."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from bridge.panel.clips import Clip
from bridge.panel.drawing import waveform_picture
from bridge.panel.peaks import Peaks
from bridge.panel.span import Span

COLUMNS = 2_048
LINES = 4  # of text: the height
SHORTEST_S = 0.01  # of a part
STEP = 0.01  # of the length, for each press of an arrow key
WIDE_STEP = 0.1
FAINT = 0.4  # outside of the part


class WaveView(QWidget):
    """`shown`: the seconds of the file that are seen. `play_wanted(seconds)`: from there. `part_changed(from, to)`: in seconds; both 0 if
    there is no part. `part_dragged`: the mouse pulls the part out, if the view was made with `pulls`."""

    play_wanted = Signal(float)
    part_changed = Signal(float, float)
    part_dragged = Signal()

    def __init__(self, peaks: Peaks, pulls: bool = True, lines: int = LINES) -> None:
        super().__init__()
        self._peaks, self._pulls, self._lines = peaks, pulls, lines
        self.clip: Clip | None = None
        self._missing = ""  # why the file cannot be read
        self.shown = Span()
        self.part = (0.0, 0.0)
        self.position = -1.0  # seconds; -1 if it does not play
        self.cursor_s = 0.0  # moved by the arrow keys
        self._pressed: QPoint | None = None
        self._moves_part = self._selects = False
        self.is_pulled = False  # the mouse pulls the part out, and its button is still down
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        then = ", then drag the part into your DAW" if pulls else ""
        self.setToolTip(f"Click: play from there. Drag: select a part{then}.")
        peaks.ready.connect(lambda path: self.update() if self.clip and path == self.clip.path else None)
        peaks.missing.connect(self._on_missing)
        self._describe()

    def sizeHint(self) -> QSize:
        """Some lines of text high."""
        return QSize(20 * self.fontMetrics().height(), self._lines * self.fontMetrics().height())

    def minimumSizeHint(self) -> QSize:
        """Narrow windows have it too."""
        return QSize(4, 2) * self.fontMetrics().height()

    def show_clip(self, clip: Clip | None, shown: Span | None = None) -> None:
        """Show a clip, all of it or the seconds `shown`, without a part."""
        is_other = clip is None or self.clip is None or clip.path != self.clip.path
        self.clip = clip
        self.shown = Span(0.0, self.seconds) if shown is None else shown
        if is_other:
            self._missing = ""
            self.position, self.cursor_s = -1.0, 0.0
            self.set_part(0.0, 0.0)
        self._describe()
        self.update()

    def set_part(self, from_s: float, to_s: float) -> None:
        """Select a part; one that is too short clears the selection."""
        low, high = sorted((max(0.0, from_s), min(max(0.0, to_s), self.seconds)))
        part = (low, high) if high - low >= SHORTEST_S else (0.0, 0.0)
        if part != self.part:
            self.part = part
            self._describe()
            self.part_changed.emit(*part)
            self.update()

    def set_position(self, seconds: float) -> None:
        """Move the line that shows what sounds; -1 hides it."""
        if round(seconds, 3) != round(self.position, 3):
            self.position = seconds
            self.update()

    @property
    def seconds(self) -> float:
        """The length of the clip."""
        return self.clip.seconds if self.clip is not None else 0.0

    def _on_missing(self, path: str, why: str) -> None:
        if self.clip is not None and path == self.clip.path and why != self._missing:
            self._missing = why
            self._describe()
            self.update()

    def _describe(self) -> None:
        name = f"Waveform of {self.clip.title}" if self.clip is not None else "Waveform"
        part = f"from {self.part[0]:.2f} to {self.part[1]:.2f} seconds" if self.part[1] else "none"
        self.setAccessibleName(name)
        words = f"Selected part: {part}. Cursor at {self.cursor_s:.2f} seconds."
        self.setAccessibleDescription(f"{words} {self._missing}".rstrip())

    # ---- drawing ----

    def paintEvent(self, event: QPaintEvent) -> None:
        """The waveform, the part, the cursor and the position."""
        painter, area = QPainter(self), self.rect()
        palette = self.palette()
        painter.fillRect(area, palette.color(QPalette.ColorRole.Base))
        if self.clip is None:
            return
        accent, text = palette.color(QPalette.ColorRole.Highlight), palette.color(QPalette.ColorRole.Text)
        if self.part[1]:
            left, right = self._x(self.part[0]), self._x(self.part[1])
            fill = QColor(accent)
            fill.setAlphaF(0.25)
            painter.fillRect(QRect(left, 0, max(2, right - left), area.height()), fill)
            painter.setPen(accent)
            painter.drawLine(left, 0, left, area.height())
            painter.drawLine(right, 0, right, area.height())
        waveform = self._peaks.get(self.clip.path, COLUMNS)
        if why := self._missing or (waveform.why if waveform is not None else ""):
            painter.setPen(text)
            painter.drawText(area, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), why)
        elif waveform is not None:
            part, share = self.shown.cut(waveform)
            picture = waveform_picture(part, area.width() * share, area.height(), self.devicePixelRatioF(), accent)
            if self.part[1]:
                painter.setOpacity(FAINT)
                painter.drawPixmap(0, 0, picture)
                painter.setOpacity(1.0)
                painter.setClipRect(
                    QRect(self._x(self.part[0]), 0, self._x(self.part[1]) - self._x(self.part[0]), area.height())
                )
            painter.drawPixmap(0, 0, picture)
            painter.setClipping(False)
        if self.hasFocus():
            painter.setPen(palette.color(QPalette.ColorRole.Mid))
            painter.drawLine(self._x(self.cursor_s), 0, self._x(self.cursor_s), area.height())
            painter.setPen(accent)
            painter.drawRect(area.adjusted(0, 0, -1, -1))
        if self.position >= 0:
            painter.fillRect(QRect(self._x(self.position), 0, 2, area.height()), text)

    def _x(self, seconds: float) -> int:
        return self.shown.x(seconds, self.width())

    def _at(self, x: float) -> float:
        return self.shown.at(x, self.width())

    # ---- mouse ----

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Remember where; what it means is known when the mouse moves, or is released."""
        if event.button() == Qt.MouseButton.LeftButton and self.clip is not None:
            self._pressed, self._selects = event.position().toPoint(), False
            at = self._at(event.position().x())
            self._moves_part = self._pulls and self.part[1] > 0 and self.part[0] <= at <= self.part[1]

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pull the part out, or select another one."""
        at = self._at(event.position().x())
        inside = self._pulls and self.part[1] > 0 and self.part[0] <= at <= self.part[1]
        if not event.buttons() & Qt.MouseButton.LeftButton:
            self.setCursor(Qt.CursorShape.OpenHandCursor if inside else Qt.CursorShape.IBeamCursor)
            return
        if self._pressed is None:
            return
        far = (event.position().toPoint() - self._pressed).manhattanLength() >= QApplication.startDragDistance()
        if self._moves_part and far:
            self._pressed, self.is_pulled = None, True
            self.part_dragged.emit()
        elif not self._moves_part and (far or self._selects):
            self._selects = True
            self.set_part(self._at(self._pressed.x()), at)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click plays from there; outside of the part it also removes the part."""
        if event.button() == Qt.MouseButton.LeftButton and self._pressed is not None and not self._selects:
            at = self._at(self._pressed.x())
            if not self._moves_part:
                self.set_part(0.0, 0.0)
            self.cursor_s = at
            self.play_wanted.emit(at)
        self._pressed, self.is_pulled = None, False

    # ---- keys ----

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move the cursor, Enter plays from it."""
        step = WIDE_STEP if event.modifiers() & Qt.KeyboardModifier.ControlModifier else STEP
        steps = {Qt.Key.Key_Left: -step, Qt.Key.Key_Right: step, Qt.Key.Key_Home: -1.0, Qt.Key.Key_End: 1.0}
        if event.key() in steps:
            self.cursor_s = min(max(0.0, self.cursor_s + steps[Qt.Key(event.key())] * self.seconds), self.seconds)
            self._describe()
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.clip is not None:
            self.play_wanted.emit(self.cursor_s)
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Draw again in other colours."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()
