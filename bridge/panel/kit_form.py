"""What a kit is made of: the preset of a kit, or sounds, one a line."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QFormLayout, QLabel, QPlainTextEdit, QSizePolicy, QVBoxLayout, QWidget

OWN = "own sounds, one a line"
EXAMPLE = "deep kick\ntight snare\n42:closed hi-hat\nc4:glassy bell"
DEFAULT = "drum"  # the preset of sounds without one
ABOUT = Qt.ItemDataRole.UserRole + 1  # the description of a kit's preset


class KitForm(QWidget):
    """Chooses what to ask for; `values` has it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kit, self.preset, self.sounds, self.about = QComboBox(), QComboBox(), QPlainTextEdit(), QLabel()
        self.kit.addItem(OWN, "")
        self.preset.addItem(DEFAULT)
        for box in (self.kit, self.preset):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(4)
        self.kit.setAccessibleName("Sounds of the kit, or a preset that names them")
        self.preset.setAccessibleName("Preset of all sounds")
        self.sounds.setAccessibleName("Sounds, one a line")
        self.sounds.setPlaceholderText(EXAMPLE)
        self.sounds.setTabChangesFocus(True)
        self.sounds.setToolTip(
            "36:low kick is played by MIDI note 36, c4:bell is a tone; other drums go where General MIDI has them."
        )
        self.about.setWordWrap(True)
        self.about.setTextFormat(Qt.TextFormat.PlainText)
        self.about.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        rows = QFormLayout()
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addRow("&Sounds", self.kit)
        rows.addRow("&Preset", self.preset)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(rows)
        column.addWidget(self.sounds, 1)
        column.addWidget(self.about)
        column.addStretch(0)
        self.kit.currentIndexChanged.connect(self._show)
        self._show()

    def values(self) -> list[str]:
        """The arguments of /bridge/kit after the name; [] if no sound is named."""
        if preset := self.kit.currentData():
            return ["@preset", preset]
        sounds = self._lines()
        return [*sounds, "@preset", self.preset.currentText()] if sounds else []

    @property
    def count(self) -> int:
        """The number of sounds that are typed; 0 if a preset names them."""
        return 0 if self.kit.currentData() else len(self._lines())

    def _lines(self) -> list[str]:
        return [words for line in self.sounds.toPlainText().splitlines() if (words := " ".join(line.split()))]

    def add_kit(self, name: str, count: int, description: str) -> None:
        """Offer the preset of a kit."""
        if (place := self.kit.findData(name)) < 0:
            self.kit.addItem("", name)
            place = self.kit.count() - 1
        self.kit.setItemText(place, f"{name}: {count} sounds")
        self.kit.setItemData(place, description, ABOUT)

    def set_presets(self, names: list[str]) -> None:
        """Offer these presets for own sounds."""
        chosen = self.preset.currentText()
        self.preset.clear()
        self.preset.addItems(names or [DEFAULT])
        self.preset.setCurrentText(chosen)

    def _show(self) -> None:
        own = not self.kit.currentData()
        self.sounds.setVisible(own)
        self.preset.setEnabled(own)
        self.about.setText("" if own else str(self.kit.currentData(ABOUT) or ""))
        self.about.setVisible(not own)
