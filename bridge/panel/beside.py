"""The source of the current clip, above its waveform: either can be heard at a press of one key."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from bridge.panel.clips import Clip
from bridge.panel.peaks import Peaks
from bridge.panel.span import Span
from bridge.panel.text_line import TextLine
from bridge.panel.wave_view import WaveView

LINES = 2  # of text: the height of the waveform


def source_of(clip: Clip) -> Clip | None:
    """The source of a clip as a clip of its own, to be shown and played; None if it was made from words alone."""
    if not clip.source:
        return None
    return Clip(clip.source, seconds=clip.seconds if clip.how == "fill" else clip.to_s)


def span_of(clip: Clip) -> Span:
    """The seconds of the source that lie above the clip: moments above each other are the same."""
    if clip.how == "fill":
        return Span(0.0, clip.seconds)
    stretched = clip.how == "vary" and clip.bars > 0
    return Span(clip.from_s, clip.to_s if stretched else clip.from_s + clip.seconds)


class Beside(QWidget):
    """`switch_wanted`: hear the other one of the two. `play_wanted(seconds)`: the source, from there. Hidden without a source."""

    switch_wanted = Signal()
    play_wanted = Signal(float)

    def __init__(self, peaks: Peaks) -> None:
        super().__init__()
        self.source: Clip | None = None
        self.span = Span()
        self.words = TextLine()
        self.button = QToolButton()
        self.button.clicked.connect(self.switch_wanted)
        self.wave = WaveView(peaks, pulls=False, lines=LINES)
        self.wave.play_wanted.connect(self.play_wanted)
        top = QHBoxLayout()
        top.addWidget(self.words, 1)
        top.addWidget(self.button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(top)
        column.addWidget(self.wave)
        self.show_clip(None)
        self.show_playing("")

    def show_clip(self, clip: Clip | None) -> None:
        """Show the source of this clip."""
        self.source = source_of(clip) if clip is not None else None
        if clip is not None and self.source is not None:
            self.span = span_of(clip)
            self.wave.show_clip(self.source, self.span)
            self.wave.set_part(*((clip.from_s, clip.to_s) if clip.how == "fill" else (0.0, 0.0)))
            done, _, name = clip.origin.partition(" ")
            strength = f" at {clip.strength:.3g}" if clip.how == "vary" else ""
            self.words.setText(f"{done.capitalize()}{strength} {name}")
        self.setVisible(self.source is not None)

    def show_playing(self, path: str) -> None:
        """Say what the button does while the clip at `path` sounds."""
        sounds = self.source is not None and path == self.source.path
        self.button.setText("Hear the result" if sounds else "Hear the source")
        self.button.setToolTip("Change between the source and the result, at the same moment (B, or Ctrl+B anywhere)")

    def other(self, clip: Clip, playing: str, position: float) -> tuple[Clip, float]:
        """What to play at a switch, and from where: the other one of the two, at the moment that sounds now, or else the source from its
        beginning. `position`: of what sounds, in seconds."""
        assert self.source is not None
        start_s = self.span.start_s
        if playing == self.source.path:
            at = position - start_s
            return clip, at if 0 <= at < clip.seconds else 0.0
        at = position + start_s if playing == clip.path and position >= 0 else start_s
        return self.source, at if at < self.source.seconds else start_s
