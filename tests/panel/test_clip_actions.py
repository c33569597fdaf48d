"""What is done with the clips of the list: a real daemon, real files, and a trash of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import Daemon
from tests.panel.clips import make, open_pane, paths_of, select  # noqa: F401
from tests.panel.conftest import Wait

if TYPE_CHECKING:
    from bridge.panel.clip_pane import ClipPane

pytestmark = pytest.mark.usefixtures("own_trash")


@pytest.fixture
def own_trash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The trash that send2trash finds when it is imported."""
    if sys.platform != "linux":
        pytest.skip("looks into a trash as Linux has it")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    for name in [name for name in sys.modules if name.startswith("send2trash")]:
        monkeypatch.delitem(sys.modules, name)
    return tmp_path / "data" / "Trash" / "files"


@pytest.fixture
def three(panel_daemon: Daemon) -> list[str]:
    """Three new clips, the newest first."""
    client = panel_daemon.client()
    return [make(client, text)[0] for text in ("one", "two", "three")][::-1]


@pytest.fixture
def pane(panel_daemon: Daemon, three: list[str], open_pane: Callable[[int], ClipPane], wait: Wait) -> ClipPane:  # noqa: F811
    pane = open_pane(panel_daemon.port)
    wait(lambda: paths_of(pane)[:3] == three)
    return pane


def press(pane: ClipPane, key: str, control: bool = False) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    pane.view.setFocus()
    modifier = Qt.KeyboardModifier.ControlModifier if control else Qt.KeyboardModifier.NoModifier
    QTest.keyClick(pane.view, getattr(Qt.Key, f"Key_{key}"), modifier)


def test_deleted_clips_can_be_brought_back_until_their_files_go_to_the_trash(
    pane: ClipPane, three: list[str], own_trash: Path, wait: Wait
) -> None:
    before = pane.model.loader.total
    select(pane, 0, 2)
    press(pane, "Delete")
    assert pane.count.text().split()[0] == str(before - 2)
    assert paths_of(pane)[:1] == [three[1]] and all(Path(path).is_file() for path in three)
    press(pane, "Z", control=True)
    assert paths_of(pane)[:3] == three
    select(pane, 0, 1)
    press(pane, "Delete")
    pane.files.trash.close()  # as the window does when it closes
    wait(lambda: pane.model.loader.clips.keys().isdisjoint(three[:2]))
    assert sorted(file.name for file in own_trash.iterdir()) == sorted(Path(path).name for path in three[:2])
    assert [Path(path).exists() for path in three] == [False, False, True]
    said: list[str] = []
    pane.said.connect(said.append)
    press(pane, "Z", control=True)
    assert said == ["There is no deletion to undo here. Older ones are in the trash of your system."]


def test_a_clip_that_is_in_the_trash_does_not_come_back_with_the_next_clip(
    pane: ClipPane, three: list[str], panel_daemon: Daemon, wait: Wait
) -> None:
    select(pane, 0)
    press(pane, "Delete")
    pane.files.trash.close()
    (new,) = make(panel_daemon.client(), "four")
    wait(lambda: new in paths_of(pane))
    assert paths_of(pane)[:3] == [new, *three[1:]]


def test_a_file_that_no_trash_takes_stays_with_a_sentence(
    pane: ClipPane, three: list[str], monkeypatch: pytest.MonkeyPatch, wait: Wait
) -> None:
    import send2trash
    from send2trash.exceptions import TrashPermissionError

    def refuse(path: str) -> None:
        raise TrashPermissionError(path)

    monkeypatch.setattr(send2trash, "send2trash", refuse)
    said: list[str] = []
    pane.said.connect(said.append)
    select(pane, 0)
    press(pane, "Delete")
    pane.files.trash.close()
    wait(lambda: paths_of(pane)[:1] == three[:1])
    assert said[-1].startswith("1 clip not deleted: this disk has no trash") and Path(three[0]).is_file()


def test_a_rename_keeps_the_row_the_suffix_and_the_favourite(
    pane: ClipPane, three: list[str], panel_daemon: Daemon, wait: Wait
) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QLineEdit

    pane.view.setFocus()
    pane.view.choose(pane.model.index(1), quietly=True)
    press(pane, "F")
    press(pane, "F2")
    editor = pane.view.findChild(QLineEdit)
    assert isinstance(editor, QLineEdit) and editor.text() == Path(three[1]).stem
    editor.setText("Süßer Knall #2")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    new = Path(three[1]).with_name("Süßer Knall #2.wav")
    wait(lambda: paths_of(pane)[1] == new.as_posix())
    assert new.is_file() and not Path(three[1]).exists()
    client = panel_daemon.client()

    def in_library() -> bool:
        _, (count, *_) = client.ask("/bridge/find", "Knall", "favourite", 1)
        return count == 1 and client.receive()[1][0] == new.as_posix()

    wait(in_library)


def test_the_star_is_clicked_or_toggled_by_a_key_and_the_library_knows(
    pane: ClipPane, three: list[str], panel_daemon: Daemon, wait: Wait
) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    from bridge.panel.clip_model import CLIP
    from bridge.panel.rows import places

    client = panel_daemon.client()

    def stars() -> set[str]:
        _, (count, *_) = client.ask("/bridge/find", "", "favourite", 1, "limit", 50)
        return {client.receive()[1][0] for _ in range(count)} & set(three)

    row = pane.view.visualRect(pane.model.index(0))
    star = places(row, pane.view.fontMetrics()).star.center()
    QTest.mouseClick(pane.view.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, star)
    wait(lambda: stars() == {three[0]})
    select(pane, 0, 2)
    press(pane, "F")
    wait(lambda: stars() == {three[0], three[2]})
    assert pane.model.index(2).data(CLIP).favourite
    press(pane, "F")
    wait(lambda: stars() == set())
    pane.model.loader.clips["/unknown.wav"] = replace(pane.model.loader.clips[three[0]], path="/unknown.wav")
    pane.model.set_favourite("/unknown.wav", True)
    wait(lambda: "/unknown.wav" not in pane.model.loader.clips)


def test_keep_only_starred_clips_asks_once_and_deletes_the_others_of_the_selected_clips(
    pane: ClipPane, three: list[str]
) -> None:
    from PySide6.QtWidgets import QPushButton

    pane.model.set_favourite(three[1], True)
    select(pane, 0, 1, 2)
    pane.files.keep_starred()
    buttons = [button for button in pane.notice.findChildren(QPushButton) if button.isVisible()]
    assert [button.text() for button in buttons] == ["Delete", "Cancel"]
    assert buttons[0].accessibleDescription() == "Delete 2 of the 3 selected clips, and keep 1 with a star?"
    buttons[1].click()
    assert paths_of(pane)[:3] == three
    pane.files.keep_starred()
    buttons[0].click()
    assert paths_of(pane)[:1] == [three[1]] and three[0] not in paths_of(pane)
    pane.files.trash.undo()


def test_a_clip_is_made_again_its_recipe_fills_the_form_and_its_path_is_copied(
    pane: ClipPane, three: list[str], panel_daemon: Daemon, wait: Wait
) -> None:
    from PySide6.QtGui import QGuiApplication

    from bridge.panel.jobs import Jobs

    recipes: list[dict[str, Any]] = []
    jobs = Jobs(pane._link.send)
    pane.recipe_wanted.connect(recipes.append)
    pane.again_wanted.connect(jobs.recall)
    pane.view.choose(pane.model.index(0), quietly=True)
    press(pane, "R", control=True)
    assert recipes[0]["text"] == "three" and recipes[0]["seconds"] == pytest.approx(0.1) and recipes[0]["seed"] > 0
    pane.files.copy_paths()
    assert QGuiApplication.clipboard().text() == three[0]
    press(pane, "M", control=True)
    wait(lambda: pane.model.clips()[0].prompt == "three" and paths_of(pane)[0] != three[0])
    assert pane.model.clips()[0].seed == recipes[0]["seed"]


def test_a_clip_that_is_renamed_stops(pane: ClipPane, three: list[str]) -> None:
    for name, stays in ((three[1], three[0]), (three[0], "")):
        pane.audition.playing = three[0]
        pane.model.renamed.emit(name, "a:b")  # which no file may be called
        assert pane.audition.playing == stays


# ---- a part of the waveform ----


@pytest.fixture
def whole(pane: ClipPane, panel_daemon: Daemon, wait: Wait) -> str:
    """A clip of two seconds, which is the current one."""
    (path,) = make(panel_daemon.client(), "a whole clip", seconds=2.0)
    wait(lambda: paths_of(pane)[0] == path)
    pane.view.choose(pane.model.index(0), quietly=True)
    return path


def pull(pane: ClipPane, start: float, end: float, release: bool = True) -> None:
    """Drag with the left button in the waveform; the places are parts of its width."""
    from PySide6.QtCore import QPoint, Qt
    from PySide6.QtTest import QTest

    from tests.panel.test_clip_list import move

    wave = pane.wave_pane.wave
    first, last = (QPoint(round(part * (wave.width() - 1)), wave.height() // 2) for part in (start, end))
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QTest.mousePress(wave, left, none, first)
    for step in range(1, 6):
        move(wave, first + (last - first) * step / 5)
    if release:
        QTest.mouseRelease(wave, left, none, last)


def test_a_part_is_selected_by_the_mouse_and_dragged_out_as_a_new_file(
    pane: ClipPane, whole: str, monkeypatch: pytest.MonkeyPatch, wait: Wait
) -> None:
    import soundfile

    from tests.panel.test_clip_list import Drags

    drags = Drags(monkeypatch)
    pull(pane, 0.75, 0.25)  # backwards
    assert pane.wave_pane.wave.part == pytest.approx((0.5, 1.5), abs=0.02)
    assert [box.value() for box in pane.wave_pane.ends] == pytest.approx([0.5, 1.5], abs=0.02)
    assert pane.wave_pane.wave.accessibleDescription().startswith("Selected part: from 0.5")
    pull(pane, 0.5, 0.9, release=False)
    wait(lambda: drags.urls)
    ((url,),) = drags.urls
    part = Path(url.removeprefix("file://"))
    assert part.parent == Path(whole).parent and part != Path(whole)
    assert soundfile.info(part).duration == pytest.approx(1.0, abs=0.05)
    wait(lambda: paths_of(pane)[0] == part.as_posix())
    assert pane.view.current_path() == whole


def test_the_daemon_is_heard_while_a_part_is_dragged(
    pane: ClipPane, whole: str, monkeypatch: pytest.MonkeyPatch, wait: Wait
) -> None:
    from bridge.panel import clip_pane

    heard: list[str] = []
    dragged: list[str] = []
    pane._link.received.connect(lambda address, _arguments: heard.append(address))

    def drag(_source: object, paths: list[str], _picture: object) -> None:
        heard.clear()
        pane._link.send("/bridge/ping")
        wait(lambda: "/bridge/pong" in heard)  # as a drag does, this runs an event loop of its own
        dragged.extend(paths)

    monkeypatch.setattr(clip_pane, "drag", drag)
    pull(pane, 0.25, 0.75)
    pull(pane, 0.5, 0.9, release=False)
    wait(lambda: dragged)


def test_a_part_that_is_let_go_at_once_is_in_the_list(
    pane: ClipPane, whole: str, monkeypatch: pytest.MonkeyPatch, wait: Wait
) -> None:
    from tests.panel.test_clip_list import Drags

    drags, said = Drags(monkeypatch), list[str]()
    pane.said.connect(said.append)
    pane.wave_pane.wave.set_part(0.2, 0.6)
    pull(pane, 0.2, 0.9)  # the button is released before the daemon answers
    wait(lambda: paths_of(pane)[1] == whole)
    assert drags.urls == [] and said == ["The part is a clip of its own now: drag it from the top of the list."]


def test_a_part_is_selected_and_cut_by_keys(pane: ClipPane, whole: str, wait: Wait) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    wave, said = pane.wave_pane.wave, list[str]()
    pane.said.connect(said.append)
    pane.cut_part()
    assert said[-1].startswith("Select a part of the waveform first")
    wave.setFocus()
    for _ in range(5):
        QTest.keyClick(wave, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(wave, Qt.Key.Key_BracketLeft)
    QTest.keyClick(wave, Qt.Key.Key_End)
    press(pane, "BracketRight")  # in the list
    assert wave.part == pytest.approx((1.0, 2.0))
    pane.wave_pane.ends[1].setValue(1.25)
    assert wave.part == pytest.approx((1.0, 1.25))
    QTest.keyClick(pane.view, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    wait(lambda: paths_of(pane)[1] == whole)
    assert pane.model.clips()[0].seconds == pytest.approx(0.25, abs=0.01)


def test_a_clip_may_get_the_name_of_one_whose_file_is_gone(pane: ClipPane, three: list[str], wait: Wait) -> None:
    Path(three[0]).unlink()
    pane.files.rename_to(three[2], Path(three[0]).stem)
    wait(lambda: paths_of(pane)[:2] == [three[1], three[0]])
    assert len(set(paths_of(pane))) == pane.model.rowCount() == len(paths_of(pane))
    assert all(pane.model.index(row).data() for row in range(pane.model.rowCount()))


def test_many_clips_are_marked_some_at_a_time_and_no_more_are_made_again_than_can_wait(
    pane: ClipPane, monkeypatch: pytest.MonkeyPatch, wait: Wait
) -> None:
    from bridge.panel import clip_files

    said, again = list[str](), list[str]()
    pane.said.connect(said.append)
    pane.again_wanted.connect(again.append)
    monkeypatch.setattr(clip_files, "MARKS", 2)
    monkeypatch.setattr(clip_files, "MOST_AGAIN", 2)
    pane.view.setFocus()
    select(pane, 0, 1, 2)
    pane.files.toggle_favourites()
    assert [clip.favourite for clip in pane.view.selected_clips()] == [1, 1, 0]
    wait(lambda: all(clip.favourite for clip in pane.view.selected_clips()))
    pane.files.make_again()
    assert again == pane.view.selected_paths()[:2]
    assert said == ["The first 2 of the 3 clips are made again: no more can wait."]
