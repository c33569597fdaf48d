"""The form: prompt, preset, length, takes, note, loop. Enter generates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import QSettings, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QKeySequence, QPalette, QShortcut
from PySide6.QtWidgets import (
    QBoxLayout,
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from bridge.domain.limits import MAX_PROMPT_CHARACTERS, TAKES
from bridge.domain.source_keys import excluded
from bridge.domain.tempo import Tempo
from bridge.errors import BadArgument
from bridge.panel import form, form_memory
from bridge.panel.abilities import Abilities
from bridge.panel.extras import Extras
from bridge.panel.form import BARS, BadField, Form
from bridge.panel.length_fields import LengthFields
from bridge.panel.link import ABSENT, Link
from bridge.panel.preset_box import PresetBox
from bridge.panel.source import FormSource
from bridge.panel.source_row import SourceRow
from bridge.panel.tempo_box import TempoBox

TEMPO_MS = 3_000  # between two questions for the tempo
WIDE = 110  # characters that one row of all fields needs
LINES_FOR_LENGTH, LINES_FOR_ALL = 15, 19  # of text: the heights of a window that show the second and the third row
SOUND = "a sound, such as deep warm kick"
NOTE = "The pitch of a tone: c3, a#4, eb2, or a MIDI number"
LOOP = "The end runs into the beginning without a seam"
NOT_WITH_SOURCE = "Not with this source: it would change what is kept of it"
PASTED = 16 * MAX_PROMPT_CHARACTERS  # characters that the field takes, so that too long a text is refused and not cut


class Make(QWidget):
    """Signals: `asked(ask)`: a checked `Ask`, to be sent; `said(str)`: a sentence for the status line."""

    asked = Signal(object)
    said = Signal(str)

    def __init__(self, link: Link, settings: QSettings) -> None:
        super().__init__()
        self._link, self._settings = link, settings
        self.tempo = Tempo()
        self._build()
        self._wire()
        self._restore()
        self._timer = QTimer(self, interval=TEMPO_MS)
        self._timer.timeout.connect(self._ask_for_tempo)
        self._timer.start()
        link.connected.connect(self._ask_for_tempo)
        link.received.connect(self._on_message)

    def set_prompt(self, text: str) -> None:
        """Put words into the prompt field; they are asked for at Enter. A text that is too long is refused."""
        self.prompt.setFocus()
        try:
            self.prompt.setText(form.check_text(text))
        except BadField as error:
            self._show_fault(error)
            self.said.emit(str(error))
        else:
            self.said.emit("Press Enter to make it.")

    def set_recipe(self, values: dict[str, Any]) -> None:
        """Fill in the fields from the keys of an ask, such as the recipe of a clip."""
        self._fill(form.from_recipe(values))
        self.prompt.setFocus()

    def set_source(self, source: FormSource | None) -> None:
        """Let the next clip start from a sound. What is filled in stays, except the words: the source says what it is. Ctrl+Z in their
        field brings them back."""
        if source is not None:
            self.prompt.clear()
        self.source.set(source)
        if source is not None:
            (self.source.wave if source.how == "fill" and source.fault else self.prompt).setFocus()

    def set_length(self, unit: str, length: float) -> None:
        """Set the length, as far as it is possible."""
        self.lengths.set(unit, length)

    def filled(self) -> Form:
        """What is filled in."""
        unit, length = self.lengths.value
        return Form(
            text=self.prompt.text(),
            preset=self.preset.currentData() or "",
            unit=unit,
            length=length,
            takes=self.takes.value(),
            note=self.note.text(),
            loop=self.loop.isChecked(),
            extras=self.extras.values,
            source=self.source.source,
        )

    def generate(self) -> None:
        """Ask for what is filled in, if it is valid; else show what is wrong."""
        filled = self.filled()
        try:
            if filled.source is not None and (why := self.abilities.lack(filled.source.how, filled.source.used_s)):
                raise BadField("", why)
            ask = filled.ask(self.tempo)
        except BadField as error:
            self._show_fault(error)
            if (wrong := self._fields.get(error.name)) is not None:
                wrong.setFocus()
            return
        self._clear_fault()
        self.asked.emit(ask)

    def closeEvent(self, event: QCloseEvent) -> None:
        """End what runs in the background."""
        self.source.peaks.close()
        super().closeEvent(event)

    def save(self) -> None:
        """Remember what is filled in."""
        unit, length = self.lengths.value_of(None)
        form = replace(self.filled(), unit=unit, length=length)
        memory = form_memory.Memory(form, self.lengths.value_of("continue"), self.source.strength.value)
        form_memory.save(self._settings, memory)

    def _build(self) -> None:
        self.prompt = QLineEdit(placeholderText=SOUND)
        self.prompt.setMaxLength(PASTED)
        self.prompt.setClearButtonEnabled(True)
        self.button = QPushButton("Make")
        self.button.setToolTip("Make a clip (Enter)")
        self.preset, self.lengths = PresetBox(self._link), LengthFields(self)
        self.length, self.unit = self.lengths.length, self.lengths.unit
        self.takes = QSpinBox(minimum=int(TAKES.low), maximum=int(TAKES.high), suffix=" take")
        self.note = QLineEdit(placeholderText="note", maxLength=8)
        self.note.setToolTip(NOTE)
        self.note.setMaximumWidth(self.fontMetrics().averageCharWidth() * 9)
        self.loop = QCheckBox("loop")
        self.loop.setToolTip(LOOP)
        self.bpm, self.tempo_box = QLabel(), TempoBox()
        self.fault = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.fault.setVisible(False)
        self.fault.setForegroundRole(QPalette.ColorRole.BrightText)
        self.extras, self.abilities = Extras(), Abilities(self._link, self)
        self.source = SourceRow(self.abilities)
        names = {
            self.prompt: "Prompt",
            self.takes: "Takes", self.note: "Note", self.bpm: "Length in seconds", self.fault: "What is wrong",
        }  # fmt: skip
        for widget, name in names.items():
            widget.setAccessibleName(name)
        self._fields: dict[str, QWidget] = {
            "text": self.prompt,
            "note": self.note,
            "length": self.length,
            "source": self.source.wave,
        }
        for field in (self.prompt, self.note, self.length.lineEdit(), self.takes.lineEdit()):
            field.setAcceptDrops(False)  # the window takes drops: a file is text too
        self._lay_out()

    def _lay_out(self) -> None:
        """Three rows, or one in a wide window."""
        rows = (QWidget(), QWidget(), QWidget())
        parts = ((self.prompt, self.button), (self.preset, self.length, self.unit), (self.takes, self.note, self.loop))
        self._rows = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        self._rows.setSpacing(4)
        for row, widgets in zip(rows, parts, strict=True):
            line = QHBoxLayout(row)
            line.setContentsMargins(0, 0, 0, 0)
            line.setSpacing(4)
            for widget in widgets:
                line.addWidget(widget, int(widget in (self.prompt, self.preset)))
            if row is rows[2]:
                line.addStretch(1)
                line.addWidget(self.tempo_box)
                line.addWidget(self.bpm)
            self._rows.addWidget(row, int(row is rows[0]))
        self._length_row, self._more = rows[1:]
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(self._rows)
        column.addWidget(self.source)
        column.addWidget(self.extras)
        column.addWidget(self.fault)

    def fit(self, width: int, height: int) -> None:
        """Use one row in a wide window, and the most important fields alone in a low one."""
        wide = width >= WIDE * self.fontMetrics().averageCharWidth()
        self._rows.setDirection(QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom)
        lines = height / self.fontMetrics().lineSpacing()
        self._length_row.setVisible(wide or lines >= LINES_FOR_LENGTH)
        self._more.setVisible(wide or lines >= LINES_FOR_ALL)
        self.source.make_room(lines)

    def _wire(self) -> None:
        self.button.clicked.connect(self.generate)
        for field in (self.prompt, self.note, self.length.lineEdit(), self.takes.lineEdit()):
            field.returnPressed.connect(self.generate)
        for keys in ("Ctrl+Return", "Ctrl+Enter"):
            QShortcut(QKeySequence(keys), self, self.generate, context=Qt.ShortcutContext.WindowShortcut)
        self.prompt.textChanged.connect(self._check_prompt)
        self.note.textEdited.connect(self._clear_fault)
        self.note.editingFinished.connect(self._check_note)
        self.lengths.changed.connect(self._show_tempo)
        self.takes.valueChanged.connect(lambda count: self.takes.setSuffix(" take" if count == 1 else " takes"))
        self.extras.changed.connect(self._show_tempo)
        self.source.changed.connect(self._on_source)
        self.preset.currentIndexChanged.connect(self._show_preset)
        self.tempo_box.wanted.connect(self._set_tempo)
        self._show_tempo()

    def _restore(self) -> None:
        memory = form_memory.restored(self._settings)
        self.lengths.keep("continue", *memory.more)
        self.source.strength.set(memory.strength)
        self._fill(memory.form)

    def _fill(self, filled: Form) -> None:
        self.prompt.setText(filled.text)
        self.preset.choose(filled.preset)
        self.source.set(filled.source)
        self.set_length(filled.unit, filled.length)
        self.takes.setValue(filled.takes)
        self.note.setText(filled.note)
        self.loop.setChecked(filled.loop)
        self.extras.set(filled.extras)
        self._clear_fault()

    def _on_source(self) -> None:
        """Make grey what does not go with the source: it keeps its value, and is not sent."""
        source = self.source.source
        without = excluded(source.how) if source is not None else frozenset()
        for name, field, what in (("note", self.note, NOTE), ("loop", self.loop, LOOP)):
            field.setEnabled(name not in without)
            field.setToolTip(NOT_WITH_SOURCE if name in without else what)
        self.lengths.set_way(source.how if source is not None else None)
        self.extras.leave_out(without)
        self.prompt.setPlaceholderText(SOUND if source is None else f"as the source: {source.words}"[:PASTED])
        self._clear_fault()
        self._show_tempo()

    def _show_preset(self) -> None:
        self.source.strength.show_preset(bool(self.preset.currentData()))

    def _show_tempo(self) -> None:
        """The running tempo, and what a length in bars is in seconds."""
        source, bpm = self.source.source, self.extras.values.get("bpm")
        if bpm is None and source is not None and source.how == "continue" and source.bpm:
            bpm = source.bpm
        self.tempo_box.setVisible(bpm is None)
        self.tempo_box.show_tempo(self.tempo.bpm)
        words = [] if bpm is None else [f"{bpm:.6g} BPM of the {'clip' if source is None else 'source'}"]
        if self.unit.currentData() == BARS and self.unit.isEnabled():
            try:
                words.append(f"{form.check_length(BARS, self.length.value(), bpm, self.tempo):.3g} s")
            except BadField as error:
                self._show_fault(error)
            else:
                self._clear_fault()
        self.bpm.setText(" · ".join(words))
        self.bpm.setVisible(bool(words))

    def _check_prompt(self, text: str) -> None:
        self._clear_fault()
        try:
            form.check_text(text)
        except BadField as error:
            self._show_fault(error)

    def _check_note(self) -> None:
        try:
            form.check_note(self.note.text())
        except BadField as error:
            self._show_fault(error)

    def _show_fault(self, error: BadArgument) -> None:
        self.fault.setText(str(error))
        self.fault.setVisible(True)
        if isinstance(error, BadField) and (field := self._fields.get(error.name)) is not None:
            marked = QPalette(field.palette())
            marked.setColor(QPalette.ColorRole.Text, self.palette().color(QPalette.ColorRole.BrightText))
            field.setPalette(marked)

    def _clear_fault(self) -> None:
        if self.fault.isVisibleTo(self):
            self.fault.setVisible(False)
            for field in self._fields.values():
                field.setPalette(QPalette())

    def _ask_for_tempo(self) -> None:
        if self._link.state != ABSENT:
            self._link.send("/bridge/tempo")

    def _set_tempo(self, bpm: float) -> None:
        self._link.send("/bridge/tempo", bpm)
        self._link.send("/bridge/tempo")

    def _on_message(self, address: str, arguments: list[Any]) -> None:
        match address, arguments:
            case "/bridge/tempo", [float(bpm) | int(bpm), int(beats), *_] if bpm > 0 and beats > 0:
                self.tempo = Tempo(round(float(bpm), 4), beats)
                self._show_tempo()
