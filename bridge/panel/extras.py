"""The keys of a clip's recipe that have no field in the form, such as its seed: shown in a line, and removed with a button."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from bridge.panel import icons
from bridge.panel.text_line import TextLine


class Extras(QWidget):
    """`values`: the keys, as in an ask. Signal: `changed`. Hidden while there are none."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, Any] = {}
        self._without: Collection[str] = ()
        self.line = TextLine("From the recipe")
        self.clear = QToolButton(autoRaise=True)
        self.clear.setIcon(icons.icon(icons.CLOSE))
        self.clear.setAccessibleName("Forget the rest of the recipe")
        self.clear.setToolTip("Forget these: a new seed is drawn for each clip")
        self.clear.clicked.connect(lambda: self.set({}))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.line, 1)
        row.addWidget(self.clear)
        self.setVisible(False)

    def set(self, values: dict[str, Any]) -> None:
        """Show these instead."""
        self.values = dict(values)
        self._show()
        self.changed.emit()

    def leave_out(self, names: Collection[str]) -> None:
        """Do not show these keys: they are not sent now."""
        self._without = names
        self._show()

    def _show(self) -> None:
        values = {name: value for name, value in self.values.items() if name not in self._without}
        shown = (f"{name.replace('_', ' ')} {value:.10g}" if isinstance(value, float) else f"{name.replace('_', ' ')} {value}"
                 for name, value in values.items())  # fmt: skip
        self.line.setText(f"With {', '.join(shown)}")
        self.setVisible(bool(values))
