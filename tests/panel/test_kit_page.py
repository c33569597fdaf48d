"""The Kit page with a real daemon: a kit is made, heard, mended and dragged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import Daemon
from tests.panel.conftest import OpenAny, Wait
from tests.panel.fake_daemon import FakeDaemon

if TYPE_CHECKING:
    from bridge.panel.kit_page import KitPage

Open = Callable[[int], "KitPage"]


@pytest.fixture
def open_page(open_any: OpenAny) -> Open:
    """Open the page, linked to a daemon's port."""
    from bridge.panel.kit_page import KitPage

    return lambda port: open_any(KitPage, port, 440)


def rows(page: KitPage) -> list[tuple[str, ...]]:
    """The texts of the list."""
    shown = page.result.list
    items = [shown.topLevelItem(row) for row in range(shown.topLevelItemCount())]
    return [tuple(item.text(column) for column in range(3)) for item in items if item is not None]


def make(page: KitPage, name: str, sounds: str) -> None:
    """Type a kit and press the button by its key."""
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    page.name.setFocus()
    page.name.setEditText("")
    QTest.keyClicks(page.name, name)
    page.form.sounds.setPlainText(sounds)
    QTest.keyClick(page.button, Qt.Key.Key_Space)


def test_a_kit_is_typed_made_and_one_sound_of_it_replaced(open_page: Open, panel_daemon: Daemon, wait: Wait) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    page, said = open_page(panel_daemon.port), list[str]()
    page.said.connect(said.append)
    wait(lambda: page.form.preset.count() > 3 and page.form.kit.count() > 3)
    make(page, "my drums", "deep kick\n\n 42:closed  hat \nc4:glassy bell")
    wait(lambda: page.kit is not None and page.kit.state == "done" and page.button.isHidden())
    assert rows(page) == [
        ("36 C2", "deep kick", "made"), ("42 F#2", "closed hat", "made"), ("60 C4", "glassy bell", "made"),
    ]  # fmt: skip
    assert page.kit is not None and page.result.summary.text() == "3 sounds are in kits/my-drums."
    sounds = {key: sound.path for key, sound in page.kit.sounds.items()}
    shown = page.result.list
    shown.setCurrentIndex(shown.model().index(1, 0))
    QTest.keyClicks(page.result.words, "tight hat")
    QTest.keyClick(page.result.words, Qt.Key.Key_Return)
    wait(lambda: page.kit and page.kit.sounds[42].prompt == "tight hat" and page.kit.state == "done")
    assert page.kit.sounds[36].path == sounds[36] and page.kit.sounds[42].path != sounds[42]
    assert Path(page.kit.sounds[42].path).name in Path(page.result.files["sfz"].path).read_text("utf-8")
    assert Path(sounds[42]).is_file()
    assert said[-1] == "The kit my drums is made."


def test_a_kit_of_an_earlier_session_is_shown_again(open_page: Open, panel_daemon: Daemon, wait: Wait) -> None:
    client = panel_daemon.client()
    client.send("/bridge/kit", "earlier", "kick", "c4:bell", "@seconds", 0.2)
    client.until("/bridge/kit/done")
    page = open_page(panel_daemon.port)
    wait(lambda: "earlier" in page.kits.known)
    page.name.setEditText("earlier")
    wait(lambda: len(rows(page)) == 2)
    assert [row[:2] for row in rows(page)] == [("36 C2", "kick"), ("60 C4", "bell C4")]
    assert page.kit is not None and all(Path(sound.path).is_file() for sound in page.kit.sounds.values())


def test_the_preset_of_a_kit_names_its_sounds(open_page: Open, fake: FakeDaemon, wait: Wait) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    page, said = open_page(fake.port), list[str]()
    page.said.connect(said.append)
    wait(lambda: fake.heard and page._link.state == "ready")
    fake.say("/bridge/kit/preset", "drums-808", 16, "Sixteen drums.")
    wait(lambda: page.form.kit.count() == 2)
    QTest.keyClick(page.button, Qt.Key.Key_Space)
    assert said == ["Give the kit a name first."]
    page.name.setEditText("live")
    QTest.keyClick(page.button, Qt.Key.Key_Space)
    assert said[1].startswith("Name the sounds of the kit, one a line")
    page.form.kit.setCurrentIndex(1)
    assert page.form.about.text() == "Sixteen drums." and not page.form.sounds.isVisible()
    QTest.keyClick(page.button, Qt.Key.Key_Space)
    wait(lambda: ("/bridge/kit", ["live", "@preset", "drums-808"]) in fake.heard)


def test_progress_failures_guesses_and_tones_out_of_tune_are_said_in_words(
    open_page: Open, fake: FakeDaemon, wait: Wait
) -> None:
    from PySide6.QtGui import QAccessible

    page, said = open_page(fake.port), list[str]()
    page.said.connect(said.append)
    wait(lambda: fake.heard and page._link.state == "ready")
    page.name.setEditText("live")
    fake.say("/bridge/kit/queued", "live", 4, "seed", 5)
    fake.say("/bridge/kit/sound", "live", 38, "", "It was silent.", "prompt", "snare", "note", "")
    fake.say("/bridge/kit/sound", "live", 36, "/x/kick.wav", "", "prompt", "kick, deep", "note", "")
    fake.say("/bridge/kit/progress", "live", 2, 4)
    wait(lambda: page.result.progress.isVisible() and page.result.progress.value() == 2)
    assert page.result.progress.text() == "2 of 4 sounds" and page.button.text() == "&Cancel"
    assert rows(page) == [("36 C2", "kick, deep", "made"), ("38 D2", "snare", "not made: It was silent.")]
    page.button.click()
    wait(lambda: ("/bridge/kit/cancel", ["live"]) in fake.heard)
    fake.say("/bridge/kit/sound", "live", 60, "/x/bell.wav", "", "prompt", "bell", "note", "c4")
    fake.say(
        "/bridge/kit/done", "live", "/x", 2, 1, "sfz", "/x/a.sfz", "seed", 5, "guessed", "hat, kick, deep", "untuned",
        "bell c4", "why", "snare: It was silent.",
    )  # fmt: skip
    wait(lambda: not page.result.progress.isVisible())
    assert (
        rows(page)[0][2] == "guessed: the checkpoint knows no such sound" and rows(page)[2][2] == "could not be tuned"
    )
    assert "1 could not be made: snare: It was silent." in page.result.summary.text()
    seen = QAccessible.queryAccessibleInterface(page.result.list)
    cells = [seen.child(place) for place in range(seen.childCount())]
    texts = [cell.text(QAccessible.Text.Name) for cell in cells if cell is not None]
    assert {"38 D2", "snare", "not made: It was silent."} <= set(texts)
    fake.say("/bridge/kit/sound", "live", 36, "", "It was silent.", "prompt", "louder kick", "note", "")
    wait(
        lambda: (
            rows(page)[0][1:]
            == ("kick, deep", "the old one stays: It was silent.; guessed: the checkpoint knows no such sound")
        )
    )
    fake.say("/bridge/error", "/bridge/kit/replace", "unknown_job", "There is no such kit.")
    wait(lambda: said[-1] == "There is no such kit.")


def test_a_sound_is_heard_copied_and_dragged_and_a_mapping_too(
    open_page: Open, fake: FakeDaemon, wait: Wait, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PySide6.QtCore import QPoint, Qt
    from PySide6.QtGui import QGuiApplication
    from PySide6.QtTest import QTest

    from bridge.panel import drag

    files = [tmp_path / name for name in ("50% wet & röhre (take #2).wav", "snare.wav", "kit.sfz")]
    for file in files:
        file.write_bytes(b"x")
    page = open_page(fake.port)
    wait(lambda: fake.heard and page._link.state == "ready")
    page.name.setEditText("live")
    for key, file in ((36, files[0]), (38, files[1])):
        fake.say("/bridge/kit/sound", "live", key, file.as_posix(), "", "prompt", file.stem, "note", "")
    fake.say("/bridge/kit/done", "live", tmp_path.as_posix(), 2, 0, "sfz", files[2].as_posix(), "seed", 5)
    wait(lambda: len(rows(page)) == 2 and page.result.files["sfz"].isEnabled())
    shown = page.result.list
    shown.setFocus()
    shown.setCurrentIndex(shown.model().index(0, 0))
    QTest.keyClick(shown, Qt.Key.Key_Space)
    wait(lambda: ("/bridge/play", [files[0].as_posix(), "output", "cue"]) in fake.heard)
    shown.selectAll()
    QTest.keyClick(shown, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    copied = QGuiApplication.clipboard().mimeData()
    assert [Path(url.toLocalFile()) for url in copied.urls()] == files[:2]
    dragged: list[list[str]] = []
    monkeypatch.setattr(drag, "drag", lambda _source, paths, _picture: dragged.append(list(paths)))
    shown.startDrag(Qt.DropAction.CopyAction)
    button = page.result.files["sfz"]
    QTest.mousePress(button, Qt.MouseButton.LeftButton)
    QTest.mouseMove(button, button.rect().center() + QPoint(60, 0))
    QTest.mouseRelease(button, Qt.MouseButton.LeftButton, pos=QPoint(-50, -50))
    assert [[Path(path) for path in paths] for paths in dragged] == [files[:2], files[2:]]
    button.click()
    assert [Path(url.toLocalFile()) for url in QGuiApplication.clipboard().mimeData().urls()] == files[2:]


def test_malformed_messages_about_kits_change_nothing(open_page: Open, fake: FakeDaemon, wait: Wait) -> None:
    page = open_page(fake.port)
    wait(lambda: fake.heard and page._link.state == "ready")
    bad: tuple[tuple[str, tuple[Any, ...]], ...] = (
        ("queued", ("x",)), ("queued", (1, 2)), ("sound", ("x", 128, "", "")), ("sound", ("x", "36", "", "")), ("sound", ("x",)),
        ("progress", ("x", 1)), ("done", ("x", "y")), ("failed", ("x",)), ("nothing", ("x",)), ("preset", ("x",)),
    )  # fmt: skip
    for kind, values in bad:
        fake.say(f"/bridge/kit/{kind}", *values)
    fake.say("/bridge/kit/queued", "good", 1)
    wait(lambda: "good" in page.kits.known)
    assert list(page.kits.known) == ["good"] and page.form.kit.count() == 1
    assert page.name.findText("good") >= 0 and page.name.currentText() == ""


def test_a_kit_that_cannot_be_asked_for_gets_a_sentence(open_page: Open, fake: FakeDaemon, wait: Wait) -> None:
    page, said = open_page(fake.port), list[str]()
    page.said.connect(said.append)
    page.name.setEditText("a kit")
    page.form.sounds.setPlainText("kick")
    page.button.click()
    page.form.sounds.setPlainText("kick\n" * 200)
    wait(lambda: fake.heard and not page._link.is_absent)
    page.button.click()
    assert [sentence.split(".")[0] for sentence in said] == [
        "Clipbridge is not running",
        "A kit has at most 128 sounds, one for each MIDI note",
    ]


def test_a_kit_does_not_wait_for_a_daemon_that_is_gone(
    open_page: Open, fake: FakeDaemon, wait: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bridge.panel import link

    page = open_page(fake.port)
    page.name.setEditText("a kit")
    wait(lambda: fake.heard and not page._link.is_absent)
    fake.say("/bridge/kit/queued", "a kit", 2)
    wait(lambda: "Cancel" in page.button.text())
    monkeypatch.setattr(link, "ABSENT_AFTER_S", 0.0)
    wait(lambda: "Make" in page.button.text())
    assert page.kit is not None and page.kit.why == "Clipbridge ended before it was made."
    assert page.stack.currentWidget() is page.form
