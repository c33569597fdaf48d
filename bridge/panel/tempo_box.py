"""The tempo that Clipbridge keeps: shown, and changed by typing another one."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QAbstractSpinBox, QDoubleSpinBox

from bridge.domain.limits import BPM


class TempoBox(QDoubleSpinBox):
    """`wanted(bpm)`: the user typed this tempo, or stepped to it."""

    wanted = Signal(float)

    def __init__(self) -> None:
        super().__init__(decimals=2, minimum=BPM.low, maximum=BPM.high, suffix=" BPM", value=120.0)
        self.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
        self.setKeyboardTracking(False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Tempo")
        self.setToolTip("The tempo, for lengths in bars and for what plays in time. Type another one and press Enter.")
        self.lineEdit().setAcceptDrops(False)
        self.valueChanged.connect(self.wanted)

    def show_tempo(self, bpm: float) -> None:
        """Show the running tempo, unless another one is being typed."""
        if not (self.hasFocus() and self.lineEdit().isModified()):
            with QSignalBlocker(self):
                self.setValue(bpm)

    def textFromValue(self, value: float) -> str:
        return self.locale().toString(value, "g", 6)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """A wheel that turns over it must not change the tempo of a performance."""
        event.ignore()
