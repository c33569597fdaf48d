"""A kit that is made or is being made: its sounds, how to replace one, and its mappings."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from bridge.domain.limits import MAX_PROMPT_CHARACTERS
from bridge.panel.file_button import FileButton
from bridge.panel.kit_facts import FORMATS, Kit
from bridge.panel.kit_list import KitList


class KitResult(QWidget):
    """`play_wanted(path)`. `replace_wanted(key, prompt)`: "" is the same prompt with another seed. `folder_wanted(file)`:
    show where it is. `said(sentence)`."""

    play_wanted = Signal(str)
    replace_wanted = Signal(int, str)
    folder_wanted = Signal(str)
    said = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kit: Kit | None = None
        self.progress, self.list, self.summary = QProgressBar(), KitList(), QLabel()
        self.words, self.button = QLineEdit(), QPushButton("&Replace")
        self.files = {key: FileButton(name) for key, name in FORMATS.items()}
        self.folder = QPushButton("&Folder")
        self.progress.setFormat("%v of %m sounds")
        self.progress.setAccessibleName("Progress of the kit")
        self.words.setAccessibleName("Prompt of the replacement")
        self.words.setMaxLength(MAX_PROMPT_CHARACTERS)
        self.button.setToolTip("Make this sound again; its old file stays in the folder")
        self.folder.setToolTip("Show the folder of the kit")
        self.summary.setWordWrap(True)
        self.summary.setTextFormat(Qt.TextFormat.PlainText)
        self.summary.setAccessibleName("Summary of the kit")
        self.summary.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._lay_out()
        self.list.play_wanted.connect(self.play_wanted)
        self.list.said.connect(self.said)
        self.list.chosen.connect(self._show_current)
        self.words.returnPressed.connect(self._replace)
        self.button.clicked.connect(self._replace)
        self.folder.clicked.connect(self._show_folder)
        for button in self.files.values():
            button.said.connect(self.said)

    def show_kit(self, kit: Kit | None) -> None:
        """Show a kit as it is now."""
        self.kit = kit
        self.list.show_kit(kit)
        making = kit is not None and kit.state == "making"
        self.progress.setVisible(making)
        self.progress.setRange(0, kit.total if kit is not None else 0)
        self.progress.setValue(kit.done if kit is not None else 0)
        self.summary.setVisible(not making)
        self.summary.setText(kit.summary if kit is not None else "")
        for key, button in self.files.items():
            button.set_path(kit.files.get(key, "") if kit is not None else "")
        self.folder.setEnabled(kit is not None and bool(kit.folder))
        self._show_current()

    def _show_current(self) -> None:
        sound = self.list.current
        ready = self.kit is not None and self.kit.state == "done" and sound is not None
        self.words.setEnabled(ready)
        self.button.setEnabled(ready)
        self.words.setPlaceholderText(f"{sound.prompt}, with another seed" if sound is not None else "choose a sound")

    def _replace(self) -> None:
        if self.button.isEnabled() and (sound := self.list.current) is not None:
            self.replace_wanted.emit(sound.key, " ".join(self.words.text().split()))
            self.words.clear()

    def _show_folder(self) -> None:
        if self.kit is not None:
            self.folder_wanted.emit(self.kit.files.get("sfz", f"{self.kit.folder}/kit"))

    def _lay_out(self) -> None:
        replace, files = QHBoxLayout(), QHBoxLayout()
        files.setSpacing(2)
        replace.addWidget(self.words, 1)
        replace.addWidget(self.button)
        for button in self.files.values():
            files.addWidget(button)
        files.addStretch(1)
        files.addWidget(self.folder)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.progress)
        column.addWidget(self.summary)
        column.addWidget(self.list, 1)
        column.addLayout(replace)
        column.addLayout(files)
