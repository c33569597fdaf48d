"""The list of clips: a standard list view from which files are dragged without a modifier key."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QGuiApplication, QKeyEvent, QPainter, QPaintEvent, QPalette, QPixmap, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QWidget

from bridge.panel.clip_model import CLIP, ClipModel, Index
from bridge.panel.clips import Clip
from bridge.panel.drag import copied, drag, present
from bridge.panel.peaks import Peaks
from bridge.panel.rows import COLUMNS, PAINT_S, RowDelegate

LOOK_MS = 2_000  # between looks whether the files on the screen are still there


class ClipView(QListView):
    """`said(sentence)`. `current_changed(path, by_user)`: the path of the current row, or "" without one."""

    said = Signal(str)
    current_changed = Signal(str, bool)

    def __init__(self, model: ClipModel, peaks: Peaks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_quiet, self._hint = False, ""
        self.setAccessibleName("Clips")
        # Before the view hears of it: it chooses another row then, which nobody asked to hear.
        model.rowsAboutToBeRemoved.connect(lambda: self._set_quiet(True))
        self.setModel(model)
        model.rowsRemoved.connect(lambda: self._set_quiet(False))
        self._peaks = peaks
        self.delegate = RowDelegate(peaks, self)
        self.setItemDelegate(self.delegate)
        self.delegate.star_clicked.connect(self._on_star)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setDragEnabled(True)
        self.setUniformItemSizes(True)
        self.setMinimumHeight(3 * self.fontMetrics().height())
        self._look = QTimer(self, interval=LOOK_MS)
        self._look.timeout.connect(self.look_at_files)
        peaks.ready.connect(self._redraw)
        peaks.missing.connect(model.set_missing)
        model.replacing.connect(self._remember)
        model.replaced.connect(self._recall)
        self._remembered: tuple[str, list[str]] = ("", [])

    @property
    def clips(self) -> ClipModel:
        """The model."""
        model = self.model()
        assert isinstance(model, ClipModel)
        return model

    def current_clip(self) -> Clip | None:
        """The current clip."""
        index = self.currentIndex()
        return index.data(CLIP) if index.isValid() else None

    def current_path(self) -> str:
        """The path of the current clip, or "" without one."""
        clip = self.current_clip()
        return clip.path if clip is not None else ""

    def selected_paths(self) -> list[str]:
        """The paths of the selected clips, from top to bottom."""
        return [clip.path for clip in self.selected_clips()]

    def selected_clips(self) -> list[Clip]:
        """The selected clips, from top to bottom. Quick: whole ranges, and no index for each row."""
        selection = self.selectionModel().selection()
        parts = [selection.at(place) for place in range(selection.size())]
        ranges = [(part.top(), part.bottom() + 1) for part in parts]
        return self.clips.clips_of(row for first, end in sorted(ranges) for row in range(first, end))

    def choose(self, index: QModelIndex, quietly: bool = False) -> None:
        """Make a row the current one, and the only one that is selected; `quietly`: it is not played."""
        self._is_quiet = quietly
        self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self._is_quiet = False

    def show_position(self, playing: str, path: str, seconds: float) -> None:
        """Draw the line that shows where a clip is; `playing`: the path of the one that sounds now."""
        length = self.clips.loader.clips[path].seconds if path in self.clips.loader.clips else 0.0
        self.delegate.playing = playing if seconds >= 0 else ""
        self.delegate.position = min(1.0, seconds / length) if length else 0.0
        self._redraw(path)

    # ---- files out ----

    def startDrag(self, actions: Qt.DropAction) -> None:
        """Drag the files of the selected rows."""
        paths, left_out = present(self.selected_paths())
        if left_out:
            self.said.emit(left_out)
            self.look_at_files()
        if paths:
            drag(self, paths, self.picture(paths))

    def copy_files(self) -> None:
        """Put the files of the selected rows on the clipboard."""
        paths, left_out = present(self.selected_paths())
        if paths:
            QGuiApplication.clipboard().setMimeData(copied(paths))
        count = "1 file is" if len(paths) == 1 else f"{len(paths)} files are"
        self.said.emit(" ".join(filter(None, [f"{count} on the clipboard." if paths else "", left_out])))

    def picture(self, paths: list[str]) -> QPixmap:
        """What the mouse carries: the waveform of the first file, and the number of files."""
        self.delegate.budget_s = PAINT_S
        size, ratio = QSize(9, 2) * self.fontMetrics().height(), self.devicePixelRatioF()
        picture = QPixmap(size * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(self.palette().color(QPalette.ColorRole.Base))
        painter = QPainter(picture)
        colour = self.palette().color(QPalette.ColorRole.Highlight)
        if (wave := self.delegate.picture(paths[0], size, ratio, colour)) is not None:
            painter.drawPixmap(0, 0, wave)
        if len(paths) > 1:
            painter.setPen(self.palette().color(QPalette.ColorRole.Text))
            area = picture.rect().adjusted(0, 0, 0, 0)
            area.setSize(size)
            painter.drawText(area.adjusted(4, 2, -4, -2), Qt.AlignmentFlag.AlignRight, str(len(paths)))
        painter.end()
        return picture

    # ---- the view ----

    def set_hint(self, hint: str) -> None:
        """Say why the list is empty."""
        if hint != self._hint:
            self._hint = hint
            self.setAccessibleDescription(hint)
            self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The rows, or why there are none. If many new ones come on the screen, some get their waveform a moment later."""
        self.delegate.budget_s, self.delegate.is_unfinished = PAINT_S, False
        super().paintEvent(event)
        if self.delegate.is_unfinished:
            QTimer.singleShot(0, self.viewport().update)
        if not self.clips.rowCount() and self._hint:
            painter = QPainter(self.viewport())
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
            area = self.viewport().rect().adjusted(8, 8, -8, -8)
            painter.drawText(area, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), self._hint)
            painter.end()

    def look_at_files(self) -> None:
        """Look whether the files of the rows on the screen are still there, and unchanged."""
        first = self.indexAt(self.viewport().rect().topLeft()).row()
        last = self.indexAt(self.viewport().rect().bottomLeft()).row()
        rows = range(max(0, first), (last if last >= 0 else self.clips.rowCount() - 1) + 1)
        self._peaks.look((self.clips.index(row).data(CLIP).path, COLUMNS) for row in rows)

    def currentChanged(self, current: Index, previous: Index) -> None:
        """Tell which clip is the current one."""
        super().currentChanged(current, previous)
        by_user = self.hasFocus() and not self._is_quiet and current.isValid()
        self.current_changed.emit(current.data(CLIP).path if current.isValid() else "", by_user)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """End loads the whole list. Letters do not search in the list: they are short-cuts, and Ctrl+F searches."""
        if event.key() == Qt.Key.Key_End:
            self.clips.loader.load_all()
        if event.text().isprintable() and event.text() and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            event.ignore()
            return
        super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """A list that gets the focus has a current row, so that keys do something."""
        super().focusInEvent(event)
        by_mouse = event.reason() == Qt.FocusReason.MouseFocusReason  # which chooses a row itself
        if not by_mouse and not self.currentIndex().isValid() and self.clips.rowCount():
            self.choose(self.clips.index(0))

    def showEvent(self, event: QShowEvent) -> None:
        """Look at the files while the list is shown."""
        super().showEvent(event)
        self._look.start()

    def hideEvent(self, event: object) -> None:
        """And not while it is hidden."""
        self._look.stop()

    def _set_quiet(self, quiet: bool) -> None:
        self._is_quiet = quiet

    def _on_star(self, index: QModelIndex) -> None:
        clip = index.data(CLIP)
        self.clips.set_favourite(clip.path, not clip.favourite)

    def _redraw(self, path: str) -> None:
        if (index := self.clips.index_of(path)).isValid():
            self.update(index)

    def _remember(self) -> None:
        self._remembered = self.current_path(), self.selected_paths()

    def _recall(self) -> None:
        """Select again what was selected before the rows were replaced."""
        current, selected = self._remembered
        for path in selected:
            self.selectionModel().select(self.clips.index_of(path), QItemSelectionModel.SelectionFlag.Select)
        if (index := self.clips.index_of(current)).isValid():
            self._is_quiet = True
            self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.NoUpdate)
            self._is_quiet = False
