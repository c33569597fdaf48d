"""What the list does with sources: a clip becomes one, and a result is shown and heard beside its own."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from bridge.domain.source import HOWS, How
from bridge.panel.abilities import Abilities
from bridge.panel.audition import Audition
from bridge.panel.clip_view import ClipView
from bridge.panel.clips import Clip
from bridge.panel.link import Link
from bridge.panel.wave_pane import WavePane
from bridge.panel.way_buttons import WayButtons

NO_CLIP = "Choose a clip first."
NO_PART = "Select the gap in the waveform first: drag over it, or press [ and ] while the clip plays."


class ClipSources(QObject):
    """`ways`: buttons for the current clip. `wanted(source)`: let the next clip start from this FormSource."""

    wanted = Signal(object)

    def __init__(self, link: Link, view: ClipView, wave_pane: WavePane, audition: Audition) -> None:
        super().__init__(view)
        self._view, self._wave_pane, self._audition = view, wave_pane, audition
        self._beside = wave_pane.beside
        self._result = ""  # the path of a clip that is to be chosen
        self.abilities = Abilities(link, self)
        self.ways = WayButtons(self.abilities, stays=False)
        self.ways.chosen.connect(self.use)
        self._beside.switch_wanted.connect(self.switch_side)
        self._beside.play_wanted.connect(self._play_source)
        view.clips.loaded.connect(self._choose_result)

    def use(self, how: How) -> None:
        """Let the next clip start from the current one, or from the part of it that is selected."""
        if (clip := self._view.current_clip()) is not None:
            self.wanted.emit(replace(clip.as_source(), how=how, part=self._wave_pane.wave.part))

    def why_not(self) -> dict[How, str]:
        """Why the current clip cannot be used in each way, "" if it can; the buttons say so too."""
        has_clip, has_part = self._view.current_clip() is not None, self._wave_pane.wave.part[1] > 0
        missing: dict[How, str] = dict.fromkeys(HOWS, "" if has_clip else NO_CLIP)
        if has_clip and not has_part:
            missing["fill"] = NO_PART
        self.ways.show_missing(missing)
        return {how: self.abilities.refusal([how]) or missing[how] for how in HOWS}

    def play(self, source: Clip, from_s: float, to_s: float) -> None:
        """Play a source that is not in the list; `to_s` 0: to its end."""
        self._audition.play(source, from_s, to_s)

    def switch_side(self) -> None:
        """Play the source of the current clip, or the clip again: at the moment that sounds."""
        clip, source = self._view.current_clip(), self._beside.source
        if clip is not None and source is not None:
            other, from_s = self._beside.other(clip, self._audition.playing, self._audition.position)
            self._audition.play(other, from_s, other.seconds if other is source else 0.0)
            self._beside.show_playing(other.path)

    def show_position(self, path: str, seconds: float) -> None:
        """Show where the source is; `seconds` -1: nothing sounds."""
        source = self._beside.source
        self._beside.wave.set_position(seconds if source is not None and source.path == path else -1.0)
        self._beside.show_playing(self._audition.playing)

    def show_result(self, path: str) -> None:
        """Make a clip that was made from a source the current one, as soon as it is in the list: it is shown beside its source. Not while
        the user works in the list."""
        if not self._view.hasFocus():
            self._result = path
            self._choose_result()

    def _choose_result(self) -> None:
        if self._result and (index := self._view.clips.index_of(self._result)).isValid():
            self._result = ""
            self._view.choose(index, quietly=True)

    def _play_source(self, from_s: float) -> None:
        if (source := self._beside.source) is not None:
            self._audition.play(source, from_s, source.seconds)
