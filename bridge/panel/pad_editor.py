"""The editor under the pads: the prompt of one pad, and the keys that matter on a stage. It never opens a window of its own."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QWidget,
)

from bridge.domain.ask import FIELDS
from bridge.domain.limits import BARS, CHOKES, GAIN, MAX_PROMPT_CHARACTERS, PAD_SECONDS
from bridge.panel import saved
from bridge.panel.pad_facts import Pad

WHEN = {"off": "at once", "beat": "on the beat", "bar": "on the bar"}
EDITED = ("seconds", "bars", "preset", "loop", "gate", "quantize", "gain", "choke")


class PadEditor(QWidget):
    """`wanted(number, prompt, keys)`: set the pad to these. `left`: back to the pads. While something is edited and not set, the
    editor stays with its pad (`show_pad` does nothing)."""

    wanted = Signal(int, str, dict)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pad, self._changed = Pad(0), False
        self._title = QLabel()
        self.prompt = QLineEdit(placeholderText="what it sounds like", maxLength=MAX_PROMPT_CHARACTERS)
        self.length = QDoubleSpinBox(decimals=2, singleStep=0.5)
        self.length.setSpecialValueText("as the preset")
        self.unit = QComboBox()
        self.unit.addItems(["seconds", "bars"])
        self.preset = QComboBox()
        self.loop, self.gate = QCheckBox("&Loop"), QCheckBox("&Hold to play")
        self.quantize = QComboBox()
        for value, words in WHEN.items():
            self.quantize.addItem(words, value)
        self.gain = QDoubleSpinBox(decimals=2, singleStep=0.1, minimum=GAIN.low, maximum=GAIN.high, prefix="gain ")
        self.choke = QSpinBox()
        self.choke.setRange(int(CHOKES.low), int(CHOKES.high))
        self.choke.setSpecialValueText("no choke")
        self.choke.setPrefix("choke ")
        self.button = QPushButton("S&et")
        for box in (self.unit, self.preset, self.quantize):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(4)
        self._name_parts()
        self._lay_out()
        self.set_presets([])
        self._connect()
        self._fill(self.pad)

    def show_pad(self, pad: Pad) -> None:
        """Edit this pad, unless another one is being edited."""
        if not self._changed and (pad.number, pad.prompt, pad.keys) != (
            self.pad.number,
            self.pad.prompt,
            self.pad.keys,
        ):
            self._fill(pad)

    def set_presets(self, names: list[str]) -> None:
        """Offer these presets."""
        chosen = self.preset.currentData() or ""
        self.preset.blockSignals(True)
        self.preset.clear()
        self.preset.addItem("no preset", "")
        for name in names:
            self.preset.addItem(name, name)
        self._choose(self.preset, chosen)
        self.preset.blockSignals(False)

    def submit(self) -> None:
        """Ask for what is in the fields."""
        prompt = " ".join(self.prompt.text().split())
        if prompt:
            self._changed = False
            self.wanted.emit(self.pad.number, prompt, self.keys())

    def keys(self) -> dict[str, Any]:
        """The keys of the pad with what was edited; defaults are left out."""
        keys = {name: value for name, value in self.pad.keys.items() if name not in EDITED}
        if self.prompt.text() != self.pad.prompt:
            keys.pop("file", None)  # words instead of a file
        in_bars = self.unit.currentText() == "bars"
        if not in_bars:
            keys.pop("bpm", None)
        if length := round(self.length.value(), 2):
            keys["bars" if in_bars else "seconds"] = length
        edited = {
            "preset": self.preset.currentData(),
            "loop": int(self.loop.isChecked()),
            "gate": int(self.gate.isChecked()),
            "quantize": self.quantize.currentData(),
            "gain": round(self.gain.value(), 2),
        }
        if self.choke.value() or self.pad.keys.get("choke"):
            keys["choke"] = self.choke.value()
        return {**keys, **{name: value for name, value in edited.items() if value != (FIELDS[name].default or "")
                           and value != FIELDS[name].default}}  # fmt: skip

    def event(self, event: QEvent) -> bool:
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Escape
        ):
            self._leave()  # and it goes on to the window, where Escape silences everything
        return super().event(event)

    def _leave(self) -> None:
        self._fill(self.pad)
        self.left.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._leave()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.submit()
        event.accept()  # no key that is pressed here plays a pad

    def _fill(self, pad: Pad) -> None:
        self.pad = pad
        keys = pad.keys
        self._title.setText(f"Pad {pad.number}")
        self.prompt.setText(pad.prompt)
        self.unit.setCurrentText("bars" if "bars" in keys else "seconds")
        self._limit_length()
        self.length.setValue(_number(keys.get("bars", keys.get("seconds")), 0.0))
        self._choose(self.preset, keys.get("preset") or "")
        self.loop.setChecked(keys.get("loop") == 1)
        self.gate.setChecked(keys.get("gate") == 1)
        self._choose(self.quantize, keys.get("quantize") or "off")
        self.gain.setValue(_number(keys.get("gain"), 1.0))
        self.choke.setValue(saved.whole(keys.get("choke")))
        for part in (self.length, self.unit, self.preset):
            part.setEnabled(not pad.file)
        self._set_changed(False)

    def _choose(self, box: QComboBox, value: object) -> None:
        if (
            isinstance(value, str) and box.findData(value) < 0
        ):  # a preset that is gone is still what the pad was set with
            box.addItem(value, value)
        box.setCurrentIndex(max(0, box.findData(value)))

    def _limit_length(self) -> None:
        self.length.setRange(0.0, BARS.high if self.unit.currentText() == "bars" else PAD_SECONDS.high)

    def _set_changed(self, changed: bool) -> None:
        self._changed = changed
        self.button.setEnabled(changed or not self.pad.prompt)

    def _name_parts(self) -> None:
        names = {
            self.prompt: "Prompt of the pad",
            self.length: "Length",
            self.unit: "Unit of the length",
            self.preset: "Preset",
            self.quantize: "When it plays",
            self.gain: "Gain",
            self.choke: "Choke group",
        }
        for part, name in names.items():
            part.setAccessibleName(name)
        self.choke.setToolTip("A press silences the other pads of its choke group, as a closed hat does an open one.")
        self.gate.setToolTip("It sounds while its key or button is held.")
        self.button.setToolTip("Set the pad (Enter); Escape leaves it as it was.")

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 4, 0, 0)
        rows: list[list[QWidget]] = [
            [self._title, self.prompt, self.button],
            [self.length, self.unit, self.preset],
            [self.loop, self.gate],
            [self.quantize, self.gain, self.choke],
        ]
        for number, parts in enumerate(rows):
            row = QHBoxLayout()
            for part in parts:
                row.addWidget(part, 1 if isinstance(part, QLineEdit | QComboBox | QDoubleSpinBox | QSpinBox) else 0)
            if number == 2:
                row.addStretch(1)
            grid.addLayout(row, number, 0)

    def _connect(self) -> None:
        edited = lambda *_: self._set_changed(True)  # noqa: E731 - one slot for signals of all kinds
        self.prompt.textEdited.connect(edited)
        self.length.valueChanged.connect(edited)
        self.unit.currentTextChanged.connect(lambda _: self._limit_length())
        for box in (self.unit, self.preset, self.quantize):
            box.currentIndexChanged.connect(edited)
        for check in (self.loop, self.gate):
            check.toggled.connect(edited)
        self.gain.valueChanged.connect(edited)
        self.choke.valueChanged.connect(edited)
        self.button.clicked.connect(self.submit)


def _number(value: object, default: float) -> float:
    return float(value) if isinstance(value, int | float) else default
