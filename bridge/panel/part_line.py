"""The ends of the part that is selected in a waveform, to be typed."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QWidget

from bridge.panel.wave_view import WaveView


class PartLine(QWidget):
    """Two fields. `buttons`: what can be done with the part, behind them."""

    def __init__(self, wave: WaveView, name: str, *buttons: QWidget) -> None:
        super().__init__()
        self._wave = wave
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.ends = (QDoubleSpinBox(), QDoubleSpinBox())
        for box, word in zip(self.ends, ("from", "to"), strict=True):
            box.setDecimals(2)
            box.setSingleStep(0.01)
            box.setSuffix(" s")
            box.setAccessibleName(f"{name} {word}")
            box.valueChanged.connect(lambda _value: wave.set_part(self.ends[0].value(), self.ends[1].value()))
            layout.addWidget(QLabel(word))
            layout.addWidget(box, 1)
        for button in buttons:
            layout.addWidget(button)
        wave.part_changed.connect(self._on_part)

    def show_length(self) -> None:
        """Accept times within the clip of the waveform."""
        for box in self.ends:
            box.setMaximum(max(self._wave.seconds, 0.01))

    def _on_part(self, from_s: float, to_s: float) -> None:
        for box, value in zip(self.ends, (from_s, to_s), strict=True):
            if not box.hasFocus() or to_s == 0:
                with QSignalBlocker(box):
                    box.setValue(value)
