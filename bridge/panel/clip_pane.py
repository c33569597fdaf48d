"""The pane of the clips: search, list, waveform, and everything that can be done with a clip."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QCoreApplication, QPoint, QSettings, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from bridge.domain.source import HOWS
from bridge.panel.audition import Audition
from bridge.panel.clip_actions import ClipActions
from bridge.panel.clip_files import ClipFiles
from bridge.panel.clip_model import ClipModel
from bridge.panel.clip_sources import ClipSources
from bridge.panel.clip_view import ClipView
from bridge.panel.clips import Clip
from bridge.panel.cropping import Cropping
from bridge.panel.drag import drag
from bridge.panel.link import ABSENT, Link
from bridge.panel.notice import Notice
from bridge.panel.peaks import Peaks
from bridge.panel.search_bar import SearchBar
from bridge.panel.text_line import TextLine
from bridge.panel.wave_pane import WavePane

AUTOPLAY_MS = 80  # that a clip stays chosen before it plays: a held arrow key runs past many


class ClipPane(QWidget):
    """`said(sentence)`: for the status line. `recipe_wanted(values)`: the keys of an ask, for the form.
    `again_wanted(path)`: make this clip again. `source_wanted(source)`: let the next clip start from this FormSource."""

    said = Signal(str)
    recipe_wanted = Signal(dict)
    again_wanted = Signal(str)
    source_wanted = Signal(object)

    def __init__(self, link: Link, settings: QSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._link = link
        self.peaks = Peaks(self)
        self.model = ClipModel(link, self)
        self.search_bar = SearchBar(link, settings)
        self.view = ClipView(self.model, self.peaks)
        self.notice, self.count = Notice(), TextLine()
        self.wave_pane = WavePane(self.peaks, settings)
        self.audition, self.cropping = Audition(link, self), Cropping(link, self)
        self.sources = ClipSources(link, self.view, self.wave_pane, self.audition)
        self.files = ClipFiles(link, self.view, self.notice)
        self._autoplay = QTimer(self)
        self._autoplay.setSingleShot(True)
        self._autoplay.setInterval(AUTOPLAY_MS)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._foot = QWidget()
        foot = QHBoxLayout(self._foot)
        foot.setContentsMargins(0, 0, 0, 0)
        foot.addWidget(self.count, 1)
        foot.addWidget(self.sources.ways)
        for widget in (self.search_bar, self.view, self._foot, self.notice, self.wave_pane):
            layout.addWidget(widget)
        layout.setStretchFactor(self.view, 1)
        layout.setSpacing(4)
        self.commands = ClipActions(self.view, self.wave_pane.wave, self._functions())
        self._connect()
        self._on_current("", by_user=False)
        self._on_state(link.state, link.why)

    def _functions(self) -> dict[str, Callable[[], None]]:
        return {
            "toggle": self.toggle_play, "again": self.play, "stop": self.audition.stop,
            "part_from": lambda: self._set_end(0), "part_to": lambda: self._set_end(1), "cut": self.cut_part,
            "favourite": self.files.toggle_favourites, "copy": self.view.copy_files, "copy_path": self.files.copy_paths,
            "show_in_folder": self.files.show_in_folder, "make_again": self.files.make_again, "fill_in": self.files.fill_in,
            "beside": self.sources.switch_side, **{how: partial(self.sources.use, how) for how in HOWS},
            "rename": lambda: self.view.edit(self.view.currentIndex()), "delete": self.files.delete, "undo": self.files.trash.undo,
            "keep_starred": self.files.keep_starred, "select_all": lambda: self.files.with_all(self.view.selectAll),
            "reload": self.model.loader.reload,
        }  # fmt: skip

    def _connect(self) -> None:
        model, view, wave, audition = self.model, self.view, self.wave_pane.wave, self.audition
        self.search_bar.changed.connect(lambda: model.search(self.search_bar.query))
        for speaker in (view, audition, self.cropping, self.files):
            speaker.said.connect(self.said)
        model.failed.connect(self.said)
        model.failed.connect(view.set_hint)
        self._link.state_changed.connect(self._on_state)
        model.loaded.connect(self._on_loaded)
        model.dataChanged.connect(lambda *_: self._refresh_wave())
        view.current_changed.connect(self._on_current)
        view.doubleClicked.connect(lambda _index: self.play())
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.customContextMenuRequested.connect(self._show_menu)
        self._autoplay.timeout.connect(self.play)
        wave.play_wanted.connect(lambda seconds: self.play(from_s=seconds))
        wave.part_dragged.connect(self._drag_part)
        wave.part_changed.connect(lambda *_: self._enable())
        self.sources.abilities.changed.connect(self._enable)
        self.sources.wanted.connect(self.source_wanted)
        self.wave_pane.toggled_play.connect(self.toggle_play)
        self.wave_pane.cut_wanted.connect(self.cut_part)
        self.wave_pane.gain_changed.connect(audition.set_gain)
        audition.cue_changed.connect(self.wave_pane.show_cue)
        self.wave_pane.in_tempo_changed.connect(lambda on: setattr(audition, "in_tempo", on))
        audition.gain = self.wave_pane.gain.value() / 100
        audition.in_tempo = self.wave_pane.in_tempo.isChecked()
        audition.moved.connect(self._on_moved)
        audition.ended.connect(lambda path: self._on_moved(path, -1.0))
        self.files.recipe_wanted.connect(self.recipe_wanted)
        self.files.again_wanted.connect(self.again_wanted)
        self.files.trash.hidden.connect(lambda paths: audition.stop() if audition.playing in paths else None)
        # Windows renames no file that the player has open.
        model.renamed.connect(lambda path, _name: audition.stop() if audition.playing == path else None)
        self.files.trash.can_undo_changed.connect(lambda _can: self._enable())
        shortcut = QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(self._go_to_search)
        self.search_bar.words.returnPressed.connect(self.view.setFocus)
        application = QCoreApplication.instance()
        assert application is not None
        application.aboutToQuit.connect(self.close_down)

    # ---- playing ----

    def current(self) -> Clip | None:
        """The current clip."""
        return self.view.current_clip()

    def play(self, from_s: float | None = None) -> None:
        """Play the current clip from a time on; without one, its selected part, or all of it."""
        clip = self.current()
        if clip is None:
            return
        low, high = self.wave_pane.wave.part
        self.audition.play(
            clip, low if from_s is None else from_s, high if from_s is None or low <= from_s < high else 0.0
        )
        self.wave_pane.set_playing(True)

    def play_new(self, clip: Clip) -> None:
        """Play a clip that has just been made, if autoplay is on."""
        if self.wave_pane.autoplay.isChecked():
            self.audition.play(clip)
            self.wave_pane.set_playing(True)

    def toggle_play(self) -> None:
        """Stop what plays, or play the current clip."""
        if self.audition.playing:
            self.audition.stop()
            return
        if self.current() is None:
            self.view.choose(self.model.index(0), quietly=True)  # the newest
        self.play()

    def _on_moved(self, path: str, seconds: float) -> None:
        clip = self.current()
        self.wave_pane.set_playing(bool(self.audition.playing))
        self.wave_pane.wave.set_position(seconds if clip is not None and clip.path == path else -1.0)
        self.view.show_position(self.audition.playing, path, seconds)
        self.sources.show_position(path, seconds)

    def _on_current(self, path: str, by_user: bool) -> None:
        self.wave_pane.show_clip(self.current())
        self._enable()
        if by_user and path != self.audition.playing and self.wave_pane.autoplay.isChecked():
            self._autoplay.start()

    def _refresh_wave(self) -> None:
        clip = self.current()
        if clip is not None and clip != self.wave_pane.wave.clip:
            self.wave_pane.show_clip(clip)

    # ---- a part ----

    def _set_end(self, end: int) -> None:
        """Begin (0) or end (1) the part where the clip is now, or at the cursor of the waveform."""
        wave, ends = self.wave_pane.wave, list(self.wave_pane.wave.part)
        ends[end] = self.audition.position if wave.position >= 0 else wave.cursor_s
        if end == 0 and ends[1] <= ends[0]:
            ends[1] = wave.seconds
        wave.set_part(*ends)

    def cut_part(self) -> None:
        """Make a clip of the selected part; it appears in the list."""
        self._crop(lambda _new: self.said.emit("The part is a clip of its own now, at the top of the list."))

    def _drag_part(self) -> None:
        """Cut the part out, then let the mouse carry the new file, if its button is still down."""
        path = self.view.current_path()

        def carry(new: str) -> None:
            if self.wave_pane.wave.is_pulled:
                self.wave_pane.wave.is_pulled = False  # the drag ends with the button
                drag(self.wave_pane.wave, [new], self.view.picture([path]))
            else:
                self.said.emit("The part is a clip of its own now: drag it from the top of the list.")

        # In a turn of its own: a drag lasts as long as the button is held, and the link must be read meanwhile.
        self._crop(lambda new: QTimer.singleShot(0, lambda: carry(new)))

    def _crop(self, use: Callable[[str], None]) -> None:
        clip, (low, high) = self.current(), self.wave_pane.wave.part
        if clip is None or not high:
            self.said.emit("Select a part of the waveform first: drag over it, or press [ and ] while the clip plays.")
        else:
            self.cropping.crop(clip.path, low, high, use)

    # ---- the pane ----

    def close_down(self) -> None:
        """End what runs in the background: deleted clips go to the trash now."""
        self.audition.stop()
        self.files.close()
        self.peaks.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        """As a window of its own it closes down by itself."""
        self.close_down()
        super().closeEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A low pane shows the list and no waveform."""
        super().resizeEvent(event)
        self.wave_pane.make_room(self.height())
        self._foot.setVisible(self.wave_pane.has_room)

    def _go_to_search(self) -> None:
        self.search_bar.words.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search_bar.words.selectAll()

    def _show_menu(self, position: QPoint) -> None:
        self._enable()
        self.commands.show_menu(self.view.viewport().mapToGlobal(position))

    def _enable(self) -> None:
        has_part = self.wave_pane.wave.part[1] > 0
        clip, why_not = self.current(), self.sources.why_not()
        has_source = clip is not None and bool(clip.source)
        self.commands.enable(clip is not None, has_part, has_source, self.files.trash.can_undo, why_not)

    def _on_state(self, state: str, _why: str) -> None:
        if state == ABSENT:
            self.view.set_hint("Clipbridge is not running. Start it to see its clips.")

    def _on_loaded(self, shown: int, total: int) -> None:
        clips = "1 clip" if total == 1 else f"{total:,} clips"
        narrow = self.search_bar.query.is_narrow
        self.count.setText(f"{clips} found" if narrow else clips)
        self.view.set_hint(
            "No clip matches this search." if narrow else "No clips yet. Say above what to make, then press Enter."
        )
