"""The length of the form: a number, and its unit. Two widgets, which the form lays out."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox

from bridge.domain.source import How
from bridge.panel.form import AUTO, BARS, RANGES, SECONDS

OF_THE_SOURCE = "as the source", "As long as its source"
WORDS: dict[How | None, tuple[tuple[str, str], ...]] = {
    None: (("usual length", "The length of the preset, or 4 seconds"), ("seconds", ""), ("bars", "")),
    "vary": (OF_THE_SOURCE, ("seconds", "Shorter than the source"), ("bars", "Stretched to bars of the tempo, if it has a beat")),
    "continue": (
        ("usual addition", "What the preset adds, as many bars again, or 4 seconds"),
        ("seconds more", "Behind the end of the source"),
        ("bars more", "Behind the end of the source, in its tempo if it has one"),
    ),
    "fill": (OF_THE_SOURCE, OF_THE_SOURCE, OF_THE_SOURCE),
}  # fmt: skip


class Length(QDoubleSpinBox):
    """A number without superfluous zeros."""

    def textFromValue(self, value: float) -> str:
        return self.locale().toString(value, "g", 7)


class LengthFields(QObject):
    """The length of a clip; with a source, what `vary` cuts it to, or what `continue` adds. `changed`: another length."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.unit = QComboBox()
        self.unit.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        for unit in (AUTO, SECONDS, BARS):
            self.unit.addItem("", unit)
        self.unit.setAccessibleName("Unit of the length")
        self.length = Length(decimals=2, value=4.0)
        self.length.setAccessibleName("Length")
        self.length.lineEdit().setAcceptDrops(False)  # the window takes drops: a file is text too
        self.unit.currentIndexChanged.connect(self._on_unit)
        self.length.valueChanged.connect(self.changed)
        self._how: How | None = None
        self._others: dict[How | None, tuple[str, float]] = {}  # the lengths of the other ways to make a clip
        self._show_words()
        self._on_unit()

    @property
    def value(self) -> tuple[str, float]:
        """The unit and the length in it."""
        return self.unit.currentData(), self.length.value()

    def set(self, unit: str, length: float) -> None:
        """Set the length, as far as it is possible."""
        self.unit.setCurrentIndex(self.unit.findData(unit))
        self.length.setValue(length)

    def set_way(self, how: How | None) -> None:
        """Ask for the length that this way of using a source has; None: there is no source. Each way keeps its own."""
        if how == self._how:
            return
        self._others[self._how] = self.value
        self._how = how
        self._show_words()
        self.set(*self._others.get(how, (AUTO, self.length.value())))
        self._on_unit()

    def value_of(self, how: How | None) -> tuple[str, float]:
        """The length that another way keeps."""
        return self.value if how == self._how else self._others.get(how, (AUTO, 4.0))

    def keep(self, how: How | None, unit: str, length: float) -> None:
        """Set the length that another way keeps."""
        self._others[how] = unit, length

    def _show_words(self) -> None:
        for at, (words, what) in enumerate(WORDS[self._how]):
            self.unit.setItemText(at, words)
            self.unit.setItemData(at, what, Qt.ItemDataRole.ToolTipRole)
        self.unit.setEnabled(self._how != "fill")

    def _on_unit(self) -> None:
        unit = self.unit.currentData()
        self.length.setEnabled(unit != AUTO and self._how != "fill")
        if unit != AUTO:
            self.length.setRange(*RANGES[unit])
            self.length.setDecimals(4 if unit == BARS else 2)
            self.length.setSingleStep(1.0 if unit == BARS else 0.5)
        self.changed.emit()
