"""The line at the top: what the daemon is doing, with a button that starts one, the panic button and the menu."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QToolButton, QWidget

from bridge.client import pairs
from bridge.panel import icons
from bridge.panel.link import ABSENT, Link
from bridge.panel.look import colours
from bridge.panel.text_line import TextLine

ASK_MS = 1_000  # between two questions about how far loading is
WORDS = {
    ABSENT: "not running",
    "loading": "loading",
    "warming": "warming up",
    "ready": "ready",
    "restarting": "restarting",
    "waiting": "no engine",  # of another machine; the reason says which is waited for
    "failed": "the engine failed",
    "stopping": "stopping",
}


class Dot(QWidget):
    """A dot in the colour of the state. The words beside it say the same."""

    def __init__(self) -> None:
        super().__init__()
        self.state = ABSENT

    def sizeHint(self) -> QSize:
        side = max(8, self.fontMetrics().height() * 2 // 3)
        return QSize(side, side)

    def show_state(self, state: str) -> None:
        self.state = state
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        now = colours()
        colour = {"ready": now.ready, "failed": now.error, ABSENT: now.faint}.get(self.state, now.busy)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(colour))
        painter.setBrush(QColor(now.window if self.state == ABSENT else colour))
        side = min(self.width(), self.height()) - 2
        painter.drawEllipse(QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side))
        painter.end()


class StateLine(QWidget):
    """State, start, panic, menu. Signals: `start_wanted`, `stop_wanted` (silence), `menu_wanted`."""

    start_wanted = Signal()
    stop_wanted = Signal()
    menu_wanted = Signal()

    def __init__(self, link: Link) -> None:
        super().__init__()
        self._link = link
        self.dot, self.words = Dot(), TextLine("State of Clipbridge")
        self.start = QPushButton("Start Clipbridge")
        self.start.setToolTip("Start the daemon, which makes the sounds")
        self.start.clicked.connect(self.start_wanted)
        self.stop = _button(icons.STOP, "Silence", "Silence everything that sounds (Escape)")
        self.stop.clicked.connect(self.stop_wanted)
        self.menu = _button(icons.MENU, "Menu", "Menu (F10)")
        self.menu.clicked.connect(self.menu_wanted)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.dot, alignment=Qt.AlignmentFlag.AlignVCenter)
        line.addWidget(self.words, 1)
        line.addWidget(self.start)
        line.addWidget(self.stop)
        line.addWidget(self.menu)
        self._ask = QTimer(self, interval=ASK_MS)
        self._ask.timeout.connect(lambda: self._link.send("/bridge/status"))
        self._told, self._can_start = "", True
        link.state_changed.connect(self._on_state)
        link.received.connect(self._on_message)
        self._on_state(link.state, link.why)

    def tell(self, words: str, can_start: bool) -> None:
        """Show this while no daemon answers: that one is being started, or why it ended."""
        self._told, self._can_start = words, can_start
        self._on_state(self._link.state, self._link.why)

    def _on_state(self, state: str, why: str, warm: str = "") -> None:
        absent = state == ABSENT
        if not absent:
            self._told, self._can_start = "", True
        words = self._told or " ".join(filter(None, [WORDS.get(state, state), warm]))
        self.words.setText(words if not why else f"{words}: {why}")
        self.dot.show_state(state)
        self.start.setVisible(absent and self._can_start)
        if state in ("loading", "warming"):
            self._ask.start()
        else:
            self._ask.stop()

    def _on_message(self, address: str, arguments: list[object]) -> None:
        if address == "/bridge/status" and self._link.state in ("loading", "warming"):
            warm = pairs(arguments, 1).get("warm")
            self._on_state(self._link.state, self._link.why, _of(str(warm)))


def _of(warm: str) -> str:
    """How far loading is, as `10 of 18`; "" for the steps of which nothing can be counted."""
    done, _, total = warm[:20].partition("/")
    return f"{done} of {total}" if total not in ("", "1") else ""


def _button(icon: str, name: str, tip: str) -> QToolButton:
    made = QToolButton()
    made.setIcon(icons.icon(icon))
    made.setAccessibleName(name)
    made.setToolTip(tip)
    made.setAutoRaise(True)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return made
