"""The search field, and filters that can be hidden."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSettings, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from bridge.domain.limits import BPM, MAX_PROMPT_CHARACTERS, SECONDS
from bridge.panel import saved
from bridge.panel.link import Link
from bridge.panel.query import ClipQuery

TYPING_MS = 150
SHOWN = "clips/filters_shown"
MAX_PRESETS = 500
ORDERS = {
    "newest": "Newest first",
    "oldest": "Oldest first",
    "best": "Best match first",
    "prompt": "By prompt",
    "shortest": "Shortest first",
    "longest": "Longest first",
    "slowest": "Slowest first",
    "fastest": "Fastest first",
    "rating": "Best rated first",
}


class SearchBar(QWidget):
    """`changed`: there is another `query`, a moment after the last key."""

    changed = Signal()

    def __init__(self, link: Link, settings: QSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._link, self._settings = link, settings
        self._timer = QTimer(self, singleShot=True, interval=TYPING_MS)
        self._timer.timeout.connect(self.changed)
        self.words = QLineEdit(clearButtonEnabled=True, maxLength=MAX_PROMPT_CHARACTERS)
        self.words.setPlaceholderText("Search clips")
        self.words.setAccessibleName("Search clips")
        self.starred = QCheckBox("Starred")
        self.starred.setToolTip("Show only clips with a star")
        self.starred.setAccessibleName("Only clips with a star")
        self.toggle = QToolButton()
        self.toggle.setText("Filters")
        self.toggle.setCheckable(True)
        self.toggle.setArrowType(Qt.ArrowType.RightArrow)
        self.toggle.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.toggle.setAutoRaise(True)
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 0, 0)
        for widget in (self.words, self.starred, self.toggle):
            line.addWidget(widget)
        self.bpm = _between(QSpinBox, "tempo", " BPM", int(BPM.high))
        self.seconds = _between(QDoubleSpinBox, "length", " s", SECONDS.high)
        self.preset, self.order = QComboBox(), QComboBox()
        self.preset.setAccessibleName("Preset")
        self.order.setAccessibleName("Order")
        self._fill_presets([])
        for name, words in ORDERS.items():
            self.order.addItem(words, name)
        self.best_only = QCheckBox("Only the best take of each job")
        self.filters = QWidget()
        form = QFormLayout(self.filters)
        form.setContentsMargins(0, 0, 0, 0)
        for label, pair in (("Tempo", self.bpm), ("Length", self.seconds)):
            row = QHBoxLayout()
            for box in pair:
                row.addWidget(box, 1)
            form.addRow(label, row)
        form.addRow("Preset", self.preset)
        form.addRow("Order", self.order)
        form.addRow(self.best_only)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addLayout(line)
        whole.addWidget(self.filters)
        self.toggle.toggled.connect(self.show_filters)
        self.toggle.setChecked(saved.flag(settings.value(SHOWN, "false")))
        self.filters.setVisible(self.toggle.isChecked())
        self.words.textChanged.connect(self._timer.start)
        for box in (*self.bpm, *self.seconds):
            box.valueChanged.connect(self._timer.start)
        for check in (self.starred, self.best_only):
            check.toggled.connect(self.changed)
        for choice in (self.preset, self.order):
            choice.activated.connect(self.changed)
        link.received.connect(self._on_message)
        link.connected.connect(self._ask)

    @property
    def query(self) -> ClipQuery:
        """What is searched for now."""
        return ClipQuery(
            words=self.words.text(),
            bpm_from=self.bpm[0].value(),
            bpm_to=self.bpm[1].value(),
            seconds_from=self.seconds[0].value(),
            seconds_to=self.seconds[1].value(),
            favourite=self.starred.isChecked(),
            preset=self.preset.currentData(),
            order=self.order.currentData(),
            best_only=self.best_only.isChecked(),
        )

    def show_filters(self, shown: bool) -> None:
        """Show or hide the filters, also the next time."""
        self.filters.setVisible(shown)
        self.toggle.setChecked(shown)
        self.toggle.setArrowType(Qt.ArrowType.DownArrow if shown else Qt.ArrowType.RightArrow)
        self._settings.setValue(SHOWN, "true" if shown else "false")

    def clear(self) -> None:
        """Search for everything."""
        self.words.clear()
        for box in (*self.bpm, *self.seconds):
            box.setValue(0)
        self.preset.setCurrentIndex(0)
        self.starred.setChecked(False)
        self.best_only.setChecked(False)
        self.changed.emit()

    def _ask(self) -> None:
        self._link.send("/bridge/presets")

    def _on_message(self, address: str, arguments: list[Any]) -> None:
        if address == "/bridge/presets":
            self._fill_presets([name for name in arguments if isinstance(name, str) and name][:MAX_PRESETS])
        elif address == "/bridge/preset":  # one was edited
            self._ask()

    def _fill_presets(self, names: list[str]) -> None:
        """Offer these presets; the chosen one stays."""
        chosen = self.preset.currentData() if self.preset.count() else None
        self.preset.clear()
        self.preset.addItem("Any preset", None)
        self.preset.addItem("No preset", "")
        for name in names:
            self.preset.addItem(name, name)
        self.preset.setCurrentIndex(max(0, self.preset.findData(chosen)) if chosen is not None else 0)


def _between(kind: type[Any], what: str, unit: str, highest: float) -> tuple[Any, Any]:
    """Two fields for a range; at 0 they say that there is no limit."""
    boxes = kind(), kind()
    for box, end, none in zip(boxes, ("from", "to"), ("from any", "to any"), strict=True):
        box.setRange(0, highest)
        box.setSuffix(unit)
        box.setSpecialValueText(none)
        box.setAccessibleName(f"{what.capitalize()} {end}")
        box.setKeyboardTracking(True)
    return boxes
