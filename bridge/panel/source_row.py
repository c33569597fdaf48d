"""The source in the form: its waveform, how it is used, and what goes with that. Hidden while there is none."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QPalette, QShortcut
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QVBoxLayout

from bridge.domain.source import How
from bridge.domain.words import words_in_name
from bridge.panel import icons
from bridge.panel.abilities import Abilities
from bridge.panel.clips import Clip
from bridge.panel.part_line import PartLine
from bridge.panel.peaks import Peaks
from bridge.panel.source import FormSource
from bridge.panel.strength import Strength
from bridge.panel.text_line import TextLine
from bridge.panel.wave_view import COLUMNS, WaveView
from bridge.panel.way_buttons import WayButtons

LINES = 2  # of text: the height of the waveform
LOW, HIGH = 19, 24  # lines of text of a window
MARK = "Drag over the waveform to mark the gap, or press [ and ] in it."

PLAY, STOP = "Play the source", "Stop the source"


class SourceRow(QFrame):
    """`source`: what the next clip starts from, None for nothing. `changed`: it, or how it is used. `play_wanted(clip, from, to)`: hear
    it, from and to in seconds. `stop_wanted`: no longer."""

    changed = Signal()
    play_wanted = Signal(object, float, float)
    stop_wanted = Signal()

    def __init__(self, abilities: Abilities) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self._source: FormSource | None = None
        self.peaks = Peaks(self)
        self.ways = WayButtons(abilities, stays=True)
        self.name = TextLine("Source")
        self.play, self.remove = QToolButton(autoRaise=True), QToolButton(autoRaise=True)
        _show(self.play, PLAY, icons.PLAY)
        _show(self.remove, "Use no source", icons.CLOSE)
        self.wave = WaveView(self.peaks, pulls=False, lines=LINES)
        self.strength = Strength()
        self.hint = QLabel(MARK, wordWrap=True)
        self.hint.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.part = PartLine(self.wave, "Source")
        top = QHBoxLayout()
        top.setSpacing(4)
        for widget in (self.ways, self.name, self.play, self.remove):
            top.addWidget(widget, int(widget is self.name))
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 3, 4, 3)
        column.setSpacing(3)
        column.addLayout(top)
        for line in (self.wave, self.strength, self.part, self.hint):
            column.addWidget(line)
        self._has_room = self._has_wave = True
        self._connect()
        self.set(None)

    @property
    def source(self) -> FormSource | None:
        """The source as it is shown."""
        if self._source is None:
            return None
        how = self.ways.how
        return replace(self._source, how=how, part=self.wave.part, strength=self.strength.value)

    def set(self, source: FormSource | None) -> None:
        """Use another source, or none."""
        self._source = source
        if source is not None:
            self.ways.choose(source.how)
            if source.strength is not None:
                self.strength.set(source.strength)
            self._show_wave(source.seconds or source.part[1], source.part)
            length = f", {source.seconds:.4g} s" if source.seconds else ""
            self.name.setText(f"{words_in_name(source.path) or source.name}{length}")
        self.setVisible(source is not None)
        self._on_changed()

    def make_room(self, lines: float) -> None:
        """Give up the waveform in a window of few `lines` of text, and all but the first line in a lower one."""
        self._has_room, self._has_wave = lines >= LOW, lines >= HIGH
        self._show_lines()

    def show_position(self, path: str, seconds: float) -> None:
        """Show what sounds: `seconds` -1 if it does not."""
        mine = self._source is not None and self._source.path == path
        self.wave.set_position(seconds if mine else -1.0)
        if (sounds := self.wave.position >= 0) != (self.play.accessibleName() == STOP):
            _show(self.play, *((STOP, icons.STOP) if sounds else (PLAY, icons.PLAY)))

    def _connect(self) -> None:
        self.ways.chosen.connect(self._on_changed)
        self.strength.changed.connect(self.changed)
        self.wave.part_changed.connect(self._on_changed)
        self.wave.play_wanted.connect(self._play)
        self.play.clicked.connect(self._toggle)
        self.remove.clicked.connect(lambda: self.set(None))
        self.peaks.ready.connect(self._on_read)
        for key, end in ((Qt.Key.Key_BracketLeft, 0), (Qt.Key.Key_BracketRight, 1)):
            mark = QShortcut(QKeySequence(key), self.wave, lambda end=end: self._mark(end))
            mark.setContext(Qt.ShortcutContext.WidgetShortcut)

    def _show_wave(self, seconds: float, part: tuple[float, float]) -> None:
        assert self._source is not None
        self.wave.show_clip(Clip(self._source.path, self._source.words, seconds))
        self.part.show_length()
        self.wave.set_part(*part)

    def _on_read(self, path: str) -> None:
        """The file says how long it is."""
        if (source := self.source) is None or source.path != path:
            return
        waveform = self.peaks.get(path, COLUMNS)
        if waveform is not None and waveform.seconds and abs(waveform.seconds - source.seconds) > 0.001:
            self.set(source.with_seconds(waveform.seconds))

    def _mark(self, end: int) -> None:
        """Begin (0) or end (1) the part where the source sounds, or at the cursor."""
        wave, ends = self.wave, list(self.wave.part)
        ends[end] = wave.position if wave.position >= 0 else wave.cursor_s
        if end == 0 and ends[1] <= ends[0]:
            ends[1] = wave.seconds
        wave.set_part(*ends)

    def _toggle(self) -> None:
        if self.wave.position >= 0:
            self.stop_wanted.emit()
        else:
            self._play(self.wave.part[0])

    def _play(self, from_s: float) -> None:
        if self.wave.clip is not None:
            low, high = self.wave.part
            self.play_wanted.emit(self.wave.clip, from_s, high if low <= from_s < high else 0.0)

    def _on_changed(self) -> None:
        self._show_lines()
        self.changed.emit()

    def _show_lines(self) -> None:
        how: How = self.ways.how
        has_part = self.wave.part[1] > 0
        self.wave.setVisible(self._has_wave)
        self.strength.setVisible(how == "vary" and self._has_room)
        must_mark = how == "fill" and not has_part
        self.part.setVisible(has_part or (must_mark and not self._has_wave))
        self.hint.setVisible(must_mark and self._has_wave)


def _show(button: QToolButton, words: str, icon: str) -> None:
    button.setIcon(icons.icon(icon))
    button.setAccessibleName(words)
    button.setToolTip(words)
