"""The length of the form: a number, and its unit. Two widgets, which the form lays out."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox

from bridge.panel.form import AUTO, BARS, RANGES, SECONDS


class Length(QDoubleSpinBox):
    """A number without superfluous zeros."""

    def textFromValue(self, value: float) -> str:
        return self.locale().toString(value, "g", 7)


class LengthFields(QObject):
    """`changed`: another length."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.unit = QComboBox()
        for words, unit in (("usual length", AUTO), ("seconds", SECONDS), ("bars", BARS)):
            self.unit.addItem(words, unit)
        self.unit.setItemData(0, "The length of the preset, or 4 seconds", Qt.ItemDataRole.ToolTipRole)
        self.unit.setAccessibleName("Unit of the length")
        self.length = Length(decimals=2, value=4.0)
        self.length.setAccessibleName("Length")
        self.length.lineEdit().setAcceptDrops(False)  # the window takes drops: a file is text too
        self.unit.currentIndexChanged.connect(self._on_unit)
        self.length.valueChanged.connect(self.changed)
        self._on_unit()

    @property
    def value(self) -> tuple[str, float]:
        """The unit and the length in it."""
        return self.unit.currentData(), self.length.value()

    def set(self, unit: str, length: float) -> None:
        """Set the length, as far as it is possible."""
        self.unit.setCurrentIndex(self.unit.findData(unit))
        self.length.setValue(length)

    def _on_unit(self) -> None:
        unit = self.unit.currentData()
        self.length.setEnabled(unit != AUTO)
        if unit != AUTO:
            self.length.setRange(*RANGES[unit])
            self.length.setDecimals(4 if unit == BARS else 2)
            self.length.setSingleStep(1.0 if unit == BARS else 0.5)
        self.changed.emit()
