"""How far `vary` goes from its source: a slider between two words."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QWidget

from bridge.domain.ask import FIELDS
from bridge.domain.limits import STRENGTH

STEPS = 20
DEFAULT = float(FIELDS["strength"].default)


class Strength(QWidget):
    """`value`: STRENGTH, or None while it was not moved, which leaves it to the preset. `changed`."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.value: float | None = None
        self._has_preset = False
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(round(STRENGTH.low * STEPS), round(STRENGTH.high * STEPS))
        self.slider.setPageStep(2)
        self.slider.setMinimumWidth(3 * self.fontMetrics().height())
        self.slider.setAccessibleName("Strength: how far it goes from the source")
        self.slider.setToolTip("How far it goes from the source. Double-click or Backspace: back to the usual strength")
        self.slider.installEventFilter(self)
        self.number = QLabel()
        self.number.setMinimumWidth(self.fontMetrics().horizontalAdvance("preset's"))
        self.number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        ends = QLabel("the source"), QLabel("a new sound")
        for end in ends:
            end.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        for part in (ends[0], self.slider, ends[1], self.number):
            row.addWidget(part, int(part is self.slider))
        self.slider.valueChanged.connect(self._on_moved)
        self.set(None)

    def set(self, value: float | None) -> None:
        """Show a strength; None: the usual one."""
        self.value = value
        with QSignalBlocker(self.slider):
            self.slider.setValue(round((DEFAULT if value is None else value) * STEPS))
        self._show()

    def show_preset(self, has_preset: bool) -> None:
        """Say whether a preset decides while the slider was not moved."""
        self._has_preset = has_preset
        self._show()

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        is_key = event.type() == QEvent.Type.KeyPress and event.key() in (Qt.Key.Key_Backspace, Qt.Key.Key_Delete)  # type: ignore[attr-defined]
        if is_key or event.type() == QEvent.Type.MouseButtonDblClick:
            self.set(None)
            self.changed.emit()
            return True
        return False

    def _on_moved(self, step: int) -> None:
        self.value = step / STEPS
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        by_preset = self.value is None and self._has_preset
        words = "preset's" if by_preset else f"{DEFAULT if self.value is None else self.value:.3g}"
        self.number.setText(words)
        self.number.setToolTip("The preset's strength, or 0.5 if it has none" if by_preset else "Strength")
        self.slider.setAccessibleDescription(words)
