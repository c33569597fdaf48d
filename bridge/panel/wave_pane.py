"""The waveform of the current clip with its part, and how clips are played."""

from __future__ import annotations

from PySide6.QtCore import QSettings, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QResizeEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from bridge.domain.limits import GAIN
from bridge.panel import saved
from bridge.panel.beside import Beside
from bridge.panel.clips import Clip
from bridge.panel.icons import PLAY, STOP, icon
from bridge.panel.part_line import PartLine
from bridge.panel.peaks import Peaks
from bridge.panel.wave_view import WaveView

AUTOPLAY, IN_TEMPO, SHOWN, GAIN_PERCENT = "clips/autoplay", "clips/in_tempo", "clips/wave_shown", "clips/gain_percent"
MAX_GAIN_PERCENT = 200  # of the slider
SAVE_MS = 500  # after the slider has come to rest: each save waits for the disk
LOW, HIGH = 16, 22  # lines of text: in a lower pane the list needs the room, and that of the waveform of a source


class WavePane(QWidget):
    """`has_room`: the pane is high enough for a waveform.

    `toggled_play`: the play button. `cut_wanted`: the part as a file. `gain_changed(factor)`. `in_tempo_changed(on)`."""

    toggled_play = Signal()
    cut_wanted = Signal()
    gain_changed = Signal(float)
    in_tempo_changed = Signal(bool)

    def __init__(self, peaks: Peaks, settings: QSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self.has_room = self._has_much_room = True
        self.beside, self.wave = Beside(peaks), WaveView(peaks)
        self.button = QToolButton()
        self.button.setAutoRaise(True)
        self.button.clicked.connect(self.toggled_play)
        self.autoplay = self._switch("Autoplay", "Play each clip that you choose", AUTOPLAY, True)
        self.in_tempo = self._switch("In tempo", "Begin at the next bar", IN_TEMPO, False)
        self.in_tempo.toggled.connect(self.in_tempo_changed)
        self.gain = QSlider(Qt.Orientation.Horizontal)
        self.gain.setRange(0, min(MAX_GAIN_PERCENT, int(100 * GAIN.high)))
        self.gain.setPageStep(10)
        self.gain.setMinimumWidth(3 * self.fontMetrics().height())
        self.gain.setAccessibleName("Gain of what is played here, in percent")
        self.gain.valueChanged.connect(self._on_gain)
        self._save_gain = QTimer(self, singleShot=True, interval=SAVE_MS)
        self._save_gain.timeout.connect(self._remember_gain)
        self.shown = QToolButton()
        self.shown.setText("Wave")
        self.shown.setToolTip("Show the waveform of the clip")
        self.shown.setCheckable(True)
        self.shown.setAutoRaise(True)
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 0, 0)
        for widget in (self.button, self.autoplay, self.in_tempo):
            line.addWidget(widget)
        self.cue = QLabel()
        self._line = line
        line.addWidget(self.cue)
        line.addWidget(self.gain, 1)
        line.addWidget(self.shown)
        self.cut = QPushButton("Make a clip")
        self.cut.setToolTip("Make a clip of the selected part (Shift+Enter). Or drag the part out of the waveform.")
        self.cut.clicked.connect(self.cut_wanted)
        self.part = PartLine(self.wave, "Part", self.cut)
        self.part.setVisible(False)
        self.ends = self.part.ends
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.beside)
        layout.addWidget(self.wave)
        layout.addWidget(self.part)
        layout.addLayout(line)
        self.wave.part_changed.connect(self._on_part)
        self.gain.setValue(saved.whole(settings.value(GAIN_PERCENT), 100))
        self._on_gain(self.gain.value())
        self.shown.setChecked(saved.flag(settings.value(SHOWN, "true")))
        self.shown.toggled.connect(self._on_shown)
        self._on_shown(self.shown.isChecked())
        self.set_playing(False)
        self.show_cue("")

    def show_clip(self, clip: Clip | None) -> None:
        """Show a clip; None: there is none."""
        self.wave.show_clip(clip)
        self.beside.show_clip(clip)
        self._show_beside()
        self.part.show_length()

    def hideEvent(self, event: QHideEvent) -> None:
        """The window may be closing."""
        self._remember_gain()
        super().hideEvent(event)

    def set_playing(self, playing: bool) -> None:
        """Show whether the clip sounds."""
        self.button.setIcon(icon(STOP if playing else PLAY))
        words = "Stop (←)" if playing else "Play (Space)"
        self.button.setToolTip(words)
        self.button.setAccessibleName("Stop" if playing else "Play")

    def show_cue(self, state: str) -> None:
        """Show whether what is played here sounds on the cue; "": there is none."""
        self.cue.setVisible(bool(state))
        self.cue.setText("cue" if state == "open" else "no cue")
        heard = "What you play here is heard on the cue only."
        self.cue.setToolTip(heard if state == "open" else "The cue cannot be heard, so nothing is played here.")
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Give up the button of the waveform in a narrow pane, before words are cut off."""
        widgets = [self.button, self.autoplay, self.in_tempo, self.shown, *([] if self.cue.isHidden() else [self.cue])]
        words = sum(widget.sizeHint().width() for widget in widgets)
        gaps = len(widgets) * self._line.spacing()
        self.shown.setVisible(words + gaps + self.gain.minimumWidth() <= self.width())

    def make_room(self, height: int) -> None:
        """Give up the waveform in a low window."""
        self.has_room = height >= LOW * self.fontMetrics().height()
        self._has_much_room = height >= HIGH * self.fontMetrics().height()
        self._on_shown(self.shown.isChecked())

    def _switch(self, text: str, what: str, key: str, default: bool) -> QCheckBox:
        box = QCheckBox(text)
        box.setToolTip(what)
        box.setChecked(saved.flag(self._settings.value(key, "true" if default else "false")))
        box.toggled.connect(lambda on: self._settings.setValue(key, "true" if on else "false"))
        return box

    def _on_part(self, _from_s: float, to_s: float) -> None:
        self.part.setVisible(to_s > 0 and self.has_room)

    def _on_gain(self, percent: int) -> None:
        self.gain.setToolTip(f"Gain: {percent} %")
        self._save_gain.start()
        self.gain_changed.emit(percent / 100)

    def _remember_gain(self) -> None:
        saved.remember(self._settings, GAIN_PERCENT, str(self.gain.value()))

    def _show_beside(self) -> None:
        self.beside.setVisible(self.beside.source is not None and self.has_room)
        self.beside.wave.setVisible(self._has_much_room and self.shown.isChecked())

    def _on_shown(self, shown: bool) -> None:
        self._show_beside()
        saved.remember(self._settings, SHOWN, "true" if shown else "false")
        self.wave.setVisible(shown and self.has_room)
        self.part.setVisible(self.wave.part[1] > 0 and self.has_room)
