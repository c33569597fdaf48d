"""The Kit page: name a kit and its sounds, watch it being made, hear it, replace a sound, and drag it into a sampler."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QSettings, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from bridge.domain.kit import MAX_SOUNDS
from bridge.errors import BadArgument
from bridge.panel import saved
from bridge.panel.audition import ON_CUE
from bridge.panel.background import Background
from bridge.panel.jobs import ENDED
from bridge.panel.kit_facts import Kit, Kits, sounds_of
from bridge.panel.kit_form import KitForm
from bridge.panel.kit_result import KitResult
from bridge.panel.link import ABSENT, NOT_RUNNING, Link
from bridge.system.desktop import show_in_folder

NAME = "kit/name"  # key of the settings
REFRESH_MS = 50  # however many messages arrive


class KitPage(QWidget):
    """`said`: a sentence for the status line."""

    said = Signal(str)

    def __init__(self, link: Link, settings: QSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._link, self._settings = link, settings
        self.kits = Kits()
        self._looked_in: set[str] = set()  # mappings that were read
        self._background = Background(self)
        self.name, self.button, self.new_button = QComboBox(), QPushButton("&Make kit"), QPushButton("&New")
        self.form, self.result, self.stack = KitForm(), KitResult(), QStackedWidget()
        self._refresh = QTimer(self, singleShot=True, interval=REFRESH_MS)
        self._refresh.timeout.connect(self._show)
        self._lay_out()
        self._connect()
        self.name.setEditText(str(settings.value(NAME, "") or ""))
        self._show()
        self._ask()

    @property
    def kit(self) -> Kit | None:
        """The kit of the name in the field, if it is known."""
        return self.kits.known.get(self._name)

    @property
    def _name(self) -> str:
        return " ".join(self.name.currentText().split())  # as the daemon returns it

    def _lay_out(self) -> None:
        self.name.setEditable(True)
        self.name.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.name.setAccessibleName("Name of the kit")
        self.name.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        if (edit := self.name.lineEdit()) is not None:
            edit.setPlaceholderText("name of the kit")
        self.new_button.setToolTip("Another kit")
        top = QHBoxLayout()
        top.addWidget(self.name, 1)
        top.addWidget(self.new_button)
        top.addWidget(self.button)
        self.stack.addWidget(self.form)
        self.stack.addWidget(self.result)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(2, 4, 2, 2)
        column.setSpacing(4)
        column.addLayout(top)
        column.addWidget(self.stack, 1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(inside)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scroll)
        self.setFocusProxy(self.name)

    def _connect(self) -> None:
        self._link.received.connect(self._on_message)
        self._link.connected.connect(self._ask)
        self._link.state_changed.connect(self._on_state)
        self.name.currentTextChanged.connect(lambda _: self._show())
        self.button.clicked.connect(self._press)
        self.new_button.clicked.connect(self._begin_another)
        self.result.said.connect(self.said)
        self.result.play_wanted.connect(lambda path: self._send("/bridge/play", path, *ON_CUE))
        self.result.folder_wanted.connect(self._show_folder)
        self.result.replace_wanted.connect(self._replace)

    # ---- the daemon ----

    def _send(self, address: str, *values: Any) -> None:
        if self._link.state == ABSENT:
            self.said.emit(NOT_RUNNING)
            return
        try:
            self._link.send(address, *values)
        except BadArgument as error:
            self.said.emit(str(error))

    def _ask(self) -> None:
        for address in ("/bridge/kits", "/bridge/kit/presets", "/bridge/presets"):
            self._link.send(address)

    def _on_state(self, state: str, _why: str) -> None:
        if state == ABSENT:
            if self.kit is not None and self.kit.state == "making":
                self.said.emit(f"The kit {self._name} is not made: {ENDED}")
            self.kits.lose(ENDED)
            self._show()

    def _on_message(self, address: str, arguments: list[Any]) -> None:
        match address, arguments:
            case "/bridge/kit/preset", [str(name), int(count), str(about), *_]:
                self.form.add_kit(name, count, about)
            case "/bridge/presets", names:
                self.form.set_presets([name for name in names if isinstance(name, str)])
            case "/bridge/error", [str(about), _, str(why), *_] if about.startswith("/bridge/kit"):
                self.said.emit(why)
            case "/bridge/error", ["/bridge/play", _, str(why), *_] if self.isVisible():
                self.said.emit(why)
            case _ if address.startswith("/bridge/kit/"):
                self._on_kit(self.kits.read(address, arguments), address)

    def _on_kit(self, name: str | None, address: str) -> None:
        if name is None:
            return
        kit = self.kits.known[name]
        if self.name.findText(name) < 0:
            shown = self.name.currentText()
            self.name.addItem(name)
            self.name.setEditText(shown)
        if (
            address == "/bridge/kit/done"
            and len(kit.sounds) < kit.done
            and kit.files.get("sfz") not in (None, *self._looked_in)
        ):
            self._look_in(kit)
        if address in ("/bridge/kit/done", "/bridge/kit/failed") and name == self._name:
            self.said.emit(kit.why if kit.why else f"The kit {name} is made.")
        if not self._refresh.isActive():
            self._refresh.start()

    def _look_in(self, kit: Kit) -> None:
        """Read the sounds of a kit that was made before the panel was opened."""
        file = kit.files["sfz"]
        self._looked_in.add(file)
        self._background.do(lambda: _text_of(file), lambda text: self._on_read(kit, text))

    def _on_read(self, kit: Kit, sfz: str) -> None:
        kit.sounds = {**sounds_of(sfz, kit.folder), **kit.sounds}
        self._show()

    # ---- what is shown ----

    def _show(self) -> None:
        kit = self.kit
        saved.remember(self._settings, NAME, self._name)
        making = kit is not None and kit.state == "making"
        self.stack.setCurrentWidget(
            self.result if kit is not None and (kit.sounds or kit.state != "failed") else self.form
        )
        if self.stack.currentWidget() is self.result:
            self.result.show_kit(kit)
        self.button.setText("&Cancel" if making else "&Make kit")
        self.button.setVisible(making or self.stack.currentWidget() is self.form)
        self.new_button.setVisible(not making and self.stack.currentWidget() is self.result)

    def _press(self) -> None:
        """Make the kit, or cancel it."""
        if self.kit is not None and self.kit.state == "making":
            self._send("/bridge/kit/cancel", self._name)
        elif not self._name:
            self.said.emit("Give the kit a name first.")
            self.name.setFocus()
        elif not (values := self.form.values()):
            self.said.emit("Name the sounds of the kit, one a line, or choose a preset that has some.")
            self.form.sounds.setFocus()
        elif (count := self.form.count) > MAX_SOUNDS:
            self.said.emit(f"A kit has at most {MAX_SOUNDS} sounds, one for each MIDI note. These are {count:,} lines.")
            self.form.sounds.setFocus()
        else:
            self.kits.known.pop(self._name, None)
            self._send("/bridge/kit", self._name, *values)

    def _begin_another(self) -> None:
        self.name.setEditText("")
        self.name.setFocus()

    def _show_folder(self, file: str) -> None:
        def on_shown(shown: bool) -> None:
            if not shown:
                self.said.emit(f"No file manager could be opened. The folder is {Path(file).parent}.")

        self._background.do(lambda: show_in_folder(Path(file)), on_shown)

    def _replace(self, key: int, prompt: str) -> None:
        self._send("/bridge/kit/replace", self._name, key, *([prompt] if prompt else []))


def _text_of(file: str) -> str:
    """The text of a file; "" if it cannot be read."""
    try:
        return Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
