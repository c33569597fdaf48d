"""The list of clips with a real daemon, without a screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import Daemon
from tests.panel.clips import make, open_pane, paths_of, select  # noqa: F401
from tests.panel.conftest import Wait

if TYPE_CHECKING:
    from bridge.panel.clip_pane import ClipPane


@pytest.fixture(scope="module")
def library(panel_daemon: Daemon) -> list[str]:
    """Sixty-seven clips, the oldest first."""
    client = panel_daemon.client()
    paths = [
        path
        for name in ("zero", "one", "two", "three")
        for path in make(client, f"wooden knock {name}", "takes", 16)[::-1]
    ]
    paths += make(client, "deep warm kick", "preset", "drum", seconds=0.5)
    paths += make(client, "rain on tin", "note", "c#4", seconds=1.5)
    return [*paths, *make(client, "glassy bell", seconds=2.0)]


@pytest.fixture
def pane(panel_daemon: Daemon, library: list[str], open_pane: Callable[[int], ClipPane], wait: Wait) -> ClipPane:  # noqa: F811
    """A pane with its first page."""
    pane = open_pane(panel_daemon.port)
    wait(lambda: pane.model.rowCount() >= 50)
    return pane


class Drags:
    """In the place of QDrag, which would wait for the mouse of the system."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.urls: list[list[str]] = []
        self.actions: list[tuple[Any, ...]] = []
        drags = self

        class Drag:
            def __init__(self, source: Any) -> None: ...

            def setMimeData(self, mime: Any) -> None:
                assert mime.formats() == ["text/uri-list"]
                drags.urls.append([url.toString() for url in mime.urls()])

            def setPixmap(self, picture: Any) -> None:
                assert not picture.isNull()

            def setHotSpot(self, _point: Any) -> None: ...

            def exec(self, *actions: Any) -> None:
                drags.actions.append(actions)

        monkeypatch.setattr("bridge.panel.drag.QDrag", Drag)

    def by_mouse(self, pane: ClipPane, row: int) -> None:
        from PySide6.QtCore import QPoint, Qt
        from PySide6.QtTest import QTest

        view, left = pane.view.viewport(), Qt.MouseButton.LeftButton
        start = pane.view.visualRect(pane.model.index(row)).center()
        QTest.mousePress(view, left, Qt.KeyboardModifier.NoModifier, start)
        for step in (4, 12, 20, 30):
            move(view, start + QPoint(step, step))
        QTest.mouseRelease(view, left, Qt.KeyboardModifier.NoModifier, start + QPoint(30, 30))


def move(widget: Any, point: Any) -> None:
    """A move with the left button down; QTest.mouseMove has no button."""
    from PySide6.QtCore import QEvent, QPointF, Qt
    from PySide6.QtGui import QMouseEvent
    from PySide6.QtWidgets import QApplication

    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    where, on_screen = QPointF(point), QPointF(widget.mapToGlobal(point))
    QApplication.sendEvent(
        widget, QMouseEvent(QEvent.Type.MouseMove, where, on_screen, Qt.MouseButton.NoButton, left, none)
    )


def url(path: str) -> str:
    from PySide6.QtCore import QUrl

    return QUrl.fromLocalFile(path).toString()


def test_the_list_shows_the_newest_first_and_loads_the_rest_when_it_is_scrolled_to(
    pane: ClipPane, library: list[str], wait: Wait
) -> None:
    assert pane.model.rowCount() == 50 and pane.model.loader.total == 67
    pane.view.scrollToBottom()
    wait(lambda: pane.model.rowCount() == 67)
    assert {clip.path for clip in pane.model.clips()} == set(library)
    assert [clip.prompt for clip in pane.model.clips()][:3] == ["glassy bell", "rain on tin", "deep warm kick"]


def test_every_row_is_a_sentence_for_people_and_for_screen_readers(pane: ClipPane) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtGui import QAccessible

    texts = [pane.model.index(row).data(Qt.ItemDataRole.AccessibleTextRole) for row in range(4)]
    assert texts[:3] == ["glassy bell, 2 s", "rain on tin, 1.5 s, C#4", "deep warm kick, 0.5 s, drum"]
    assert texts[3].startswith("wooden knock three, 0.1 s, take ") and texts[3].endswith(" of 16")
    read = QAccessible.queryAccessibleInterface(pane.view)
    assert read.text(QAccessible.Text.Name) == "Clips"
    assert read.child(1).text(QAccessible.Text.Name) == texts[1]


def test_a_clip_that_anybody_makes_is_at_the_top_at_once(pane: ClipPane, panel_daemon: Daemon, wait: Wait) -> None:
    asked: list[str] = []
    pane.view.choose(pane.model.index(2))
    chosen = pane.view.current_path()
    pane.model.modelReset.connect(lambda: asked.append("reset"))
    takes = make(panel_daemon.client(), "tin drum", "takes", 3)
    wait(lambda: paths_of(pane)[:3] == takes)
    assert pane.view.current_path() == chosen and asked == []
    from bridge.panel.clip_model import ROW

    rows = [pane.model.index(row).data(ROW) for row in range(3)]
    assert [(row.takes, row.is_best) for row in rows] == [(3, True), (3, False), (3, False)]


def test_a_drag_carries_the_pressed_row_without_a_modifier_key(pane: ClipPane, monkeypatch: pytest.MonkeyPatch) -> None:
    from PySide6.QtCore import Qt

    drags = Drags(monkeypatch)
    select(pane, 0)
    drags.by_mouse(pane, 3)
    assert drags.urls == [[url(paths_of(pane)[3])]]
    assert drags.urls[0][0].startswith("file:///")
    assert drags.actions == [(Qt.DropAction.CopyAction, Qt.DropAction.CopyAction)]


def test_a_drag_from_one_of_several_selected_rows_carries_them_all(
    pane: ClipPane, monkeypatch: pytest.MonkeyPatch
) -> None:
    drags = Drags(monkeypatch)
    select(pane, 1, 3, 4)
    drags.by_mouse(pane, 3)
    assert drags.urls == [[url(paths_of(pane)[row]) for row in (1, 3, 4)]]
    assert pane.model.supportedDragActions().value == 1  # copy


def test_a_missing_file_is_left_out_of_a_drag_and_its_row_says_why(
    pane: ClipPane, panel_daemon: Daemon, monkeypatch: pytest.MonkeyPatch, wait: Wait
) -> None:
    from PySide6.QtCore import Qt

    client = panel_daemon.client()
    gone, here = make(client, "lost sound")[0], make(client, "kept sound")[0]
    wait(lambda: paths_of(pane)[:2] == [here, gone])
    moved = Path(gone).rename(Path(gone).with_suffix(".moved"))
    said: list[str] = []
    pane.said.connect(said.append)
    drags = Drags(monkeypatch)
    select(pane, 0, 1)
    drags.by_mouse(pane, 0)
    assert drags.urls == [[url(here)]] and said == ["1 file is no longer there and was left out."]
    wait(lambda: not pane.model.flags(pane.model.index_of(gone)) & Qt.ItemFlag.ItemIsDragEnabled)
    assert pane.model.index_of(gone).data(Qt.ItemDataRole.ToolTipRole).startswith("The file is no longer there")
    moved.rename(gone)
    wait(lambda: bool(pane.model.flags(pane.model.index_of(gone)) & Qt.ItemFlag.ItemIsDragEnabled))


def test_ctrl_c_copies_the_files_and_their_paths(pane: ClipPane, wait: Wait) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtGui import QGuiApplication
    from PySide6.QtTest import QTest

    pane.view.setFocus()
    select(pane, 0, 2)
    QTest.keyClick(pane.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    mime = QGuiApplication.clipboard().mimeData()
    paths = [paths_of(pane)[row] for row in (0, 2)]
    assert [url.toLocalFile() for url in mime.urls()] == paths and mime.text() == "\n".join(paths)


def test_words_and_filters_search_the_whole_library_a_moment_after_the_last_key(
    pane: ClipPane, library: list[str], wait: Wait
) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    searches: list[str] = []
    pane.search_bar.changed.connect(lambda: searches.append(pane.search_bar.query.words))
    pane.view.setFocus()
    QTest.keyClick(pane.view, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert pane.search_bar.words.hasFocus()
    QTest.keyClicks(pane.search_bar.words, "wooden ze")  # the oldest, beyond the first page
    wait(lambda: pane.model.rowCount() == 16)
    QTest.keyClicks(pane.search_bar.words, "x")
    wait(lambda: pane.model.rowCount() == 0)
    assert pane.view.accessibleDescription() == "No clip matches this search."
    QTest.keyClick(pane.search_bar.words, Qt.Key.Key_Backspace)
    wait(lambda: pane.model.rowCount() == 16)
    assert searches == ["wooden ze", "wooden zex", "wooden ze"] and set(paths_of(pane)) == set(library[:16])
    assert pane.count.text() == "16 clips found"
    pane.search_bar.best_only.setChecked(True)
    assert pane.model.rowCount() == 1
    pane.search_bar.clear()
    wait(lambda: pane.model.rowCount() == 50)
    wait(lambda: pane.search_bar.preset.findData("drum") > 0)
    pane.search_bar.preset.setCurrentIndex(pane.search_bar.preset.findData("drum"))
    pane.search_bar.preset.activated.emit(0)
    wait(lambda: [clip.prompt for clip in pane.model.clips()] == ["deep warm kick"])
    pane.search_bar.clear()
    pane.search_bar.seconds[0].setValue(1.2)
    pane.search_bar.seconds[1].setValue(1.7)
    wait(lambda: [clip.prompt for clip in pane.model.clips()] == ["rain on tin"])


def test_hidden_filters_stay_hidden_the_next_time(
    pane: ClipPane,
    panel_daemon: Daemon,
    open_pane: Callable[[int], ClipPane],  # noqa: F811
) -> None:
    assert not pane.search_bar.filters.isVisible()
    pane.search_bar.toggle.click()
    assert pane.search_bar.filters.isVisible()
    assert open_pane(panel_daemon.port).search_bar.filters.isVisible()


def test_every_control_has_a_name_for_screen_readers_and_can_be_reached_by_tab(pane: ClipPane) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtGui import QAccessible
    from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox, QLineEdit, QSlider

    pane.search_bar.show_filters(True)
    pane.wave_pane.wave.set_part(0.0, 1.0)
    kinds = (QAbstractButton, QAbstractSpinBox, QComboBox, QLineEdit, QSlider)
    controls = [widget for kind in kinds for widget in pane.findChildren(kind) if widget.isVisible()]
    own = [widget for widget in controls if not isinstance(widget.parent(), QAbstractSpinBox | QLineEdit)]
    assert len(own) == 18
    for widget in [*own, pane.view, pane.wave_pane.wave]:
        read = QAccessible.queryAccessibleInterface(widget)
        assert read.text(QAccessible.Text.Name), widget
        assert widget.focusPolicy() & Qt.FocusPolicy.TabFocus, widget


def test_select_all_selects_the_whole_library(pane: ClipPane, wait: Wait) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    pane.view.setFocus()
    QTest.keyClick(pane.view, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    wait(lambda: len(pane.view.selected_paths()) == pane.model.loader.total > 60)


def test_without_a_daemon_the_pane_says_so_and_files_can_still_be_dragged(
    pane: ClipPane, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bridge.panel.clip_model import CLIP
    from bridge.panel.link import ABSENT

    said: list[str] = []
    pane.said.connect(said.append)
    pane.view.choose(pane.model.index(0), quietly=True)
    monkeypatch.setattr(pane._link, "state", ABSENT)
    for do in (pane.play, pane.files.make_again, pane.files.toggle_favourites):
        do()
    assert [sentence.split(",")[0] for sentence in said] == ["Clipbridge is not running"] * 3
    assert not pane.model.index(0).data(CLIP).favourite and pane.audition.playing == ""
    drags = Drags(monkeypatch)
    drags.by_mouse(pane, 1)
    assert drags.urls == [[url(paths_of(pane)[1])]]


def test_all_rows_on_the_screen_get_their_waveform_even_if_a_paint_has_no_time_for_more_than_one(
    pane: ClipPane, monkeypatch: pytest.MonkeyPatch, wait: Wait
) -> None:
    from PySide6.QtGui import QPixmap, QPixmapCache

    from bridge.panel import clip_view, rows
    from bridge.panel.waveform import Waveform

    made: set[int] = set()
    draw = rows.waveform_picture

    def record(waveform: Waveform, *how: Any) -> QPixmap:
        made.add(waveform.serial)
        return draw(waveform, *how)

    monkeypatch.setattr(rows, "waveform_picture", record)
    monkeypatch.setattr(clip_view, "PAINT_S", 1e-9)
    QPixmapCache.clear()
    pane.view.viewport().update()
    on_screen = pane.view.viewport().height() // pane.view.visualRect(pane.model.index(0)).height()
    wait(lambda: len(made) >= on_screen and not pane.view.delegate.is_unfinished)


def test_the_pane_says_whether_what_it_plays_is_heard_on_the_cue(pane: ClipPane) -> None:
    label = pane.wave_pane.cue
    assert not label.isVisible()
    pane._link.received.emit("/bridge/cue", ["open", ""])
    assert label.isVisible() and (label.text(), "cue only" in label.toolTip()) == ("cue", True)
    pane._link.received.emit("/bridge/status", ["ready", "cue", "lost"])
    assert label.isVisible() and label.text() == "no cue"
    pane._link.received.emit("/bridge/status", ["ready", "cue", "main"])
    assert not label.isVisible()


def test_the_play_button_plays_the_newest_clip_if_none_is_chosen(pane: ClipPane) -> None:
    pane.view.selectionModel().clear()
    pane.wave_pane.button.click()
    assert pane.audition.playing == paths_of(pane)[0] == pane.view.current_path()
    pane.wave_pane.button.click()
    assert pane.audition.playing == ""
