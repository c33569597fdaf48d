"""Drops on the window, as Qt delivers them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import soundfile
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent

from tests.harness import Daemon, free_port
from tests.panel.conftest import Open, Wait
from tests.rhythms import clicks

if TYPE_CHECKING:
    from PySide6.QtWidgets import QPushButton

    from bridge.panel.window import Window

ANY_ACTION = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction | Qt.DropAction.LinkAction


def drop(window: Window, mime: QMimeData, on_form: bool = False) -> QDropEvent:
    """Drag into the window, and drop on its list or its form."""
    from PySide6.QtWidgets import QApplication

    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    place = window.make.geometry().center() if on_form else QPoint(50, window.height() - 40)
    entered = QDragEnterEvent(place, ANY_ACTION, mime, buttons, keys)
    QApplication.sendEvent(window, entered)
    assert entered.isAccepted() and entered.dropAction() == Qt.DropAction.CopyAction
    dropped = QDropEvent(place, ANY_ACTION, mime, buttons, keys)
    QApplication.sendEvent(window, dropped)
    return dropped


def files(*paths: Path) -> QMimeData:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return mime


def button(window: Window, words: str) -> QPushButton:
    """What is offered in these words."""
    (found,) = [button for button in window.offer_bar.buttons if button.text() == words]
    return found


def test_words_become_the_prompt_and_are_not_asked_for_yet(open_window: Open) -> None:
    window, mime = open_window(free_port()), QMimeData()
    mime.setText("rain on\ntin")
    event = drop(window, mime)
    assert event.dropAction() == Qt.DropAction.CopyAction and event.isAccepted()
    assert window.make.prompt.text() == "rain on tin" and window.jobs.rows() == []


def test_words_that_are_too_long_are_refused(open_window: Open, wait: Wait) -> None:
    window, mime = open_window(free_port()), QMimeData()
    window.make.set_prompt("bell")
    mime.setText("x" * 60_000)
    drop(window, mime)
    assert window.make.prompt.text() == "bell" and "60,000" in window.make.fault.text()
    wait(lambda: "60,000" in window.status.text())


def test_a_list_is_made_as_the_inbox_makes_lists(open_window: Open, tmp_path: Path, wait: Wait) -> None:
    window = open_window(free_port())
    (tmp_path / "drums.txt").write_text("kick", "utf-8")
    drop(window, files(tmp_path / "drums.txt"))
    wait(lambda: window.status.text().startswith("Put 1 list into the inbox"))
    assert (tmp_path / "inbox" / "drums.txt").read_text("utf-8") == "kick"


def test_a_dropped_clip_fills_in_the_fields(open_window: Open, panel_daemon: Daemon, wait: Wait) -> None:
    client = panel_daemon.client()
    client.send("/bridge/generate", "glassy bell", 0.5, "seed", 7, "takes", 2, "steps", 2, "id", "made")
    path = client.end_of("made")[1][1]
    window = open_window(panel_daemon.port)
    wait(lambda: window.state_line.words.text() == "ready")
    drop(window, files(Path(path)))
    wait(window.offer_bar.isVisible)
    assert "glassy bell" in window.offer_bar.words.text()
    fill, again = window.offer_bar.buttons[:2]
    assert (fill.text(), again.text()) == ("Fill in the fields", "Make it again")
    fill.click()
    assert not window.offer_bar.isVisible()
    keys = window.make.filled().keys()
    assert (keys["text"], keys["seconds"], keys["seed"], keys["steps"]) == ("glassy bell", 0.5, 7, 2)


def test_a_dropped_clip_is_made_again(open_window: Open, panel_daemon: Daemon, wait: Wait) -> None:
    client = panel_daemon.client()
    client.send("/bridge/generate", "glassy bell", 0.5, "seed", 7, "steps", 2, "id", "made")
    path = Path(client.end_of("made")[1][1])
    window = open_window(panel_daemon.port)
    wait(lambda: window.state_line.words.text() == "ready")
    drop(window, files(path))
    wait(window.offer_bar.isVisible)
    window._play_new = None
    button(window, "Make it again").click()
    assert [job.prompt for job in window.jobs.rows()] == [path.name]
    wait(lambda: "done" in window.status.text())
    newest = max(path.parent.glob("*.wav"), key=lambda file: file.stat().st_mtime_ns)
    assert newest != path and newest.read_bytes() == path.read_bytes()


def test_audio_that_cannot_be_read_gets_a_sentence(
    open_window: Open, panel_daemon: Daemon, wait: Wait, tmp_path: Path
) -> None:
    window = open_window(panel_daemon.port)
    wait(lambda: window.state_line.words.text() == "ready")
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    drop(window, files(tmp_path / "broken.wav"))
    wait(lambda: "broken.wav" in window.status.text())
    assert not window.offer_bar.isVisible()


def test_the_tempo_and_the_length_of_a_dropped_file_are_used(
    open_window: Open, panel_daemon: Daemon, wait: Wait, tmp_path: Path
) -> None:
    window = open_window(panel_daemon.port)
    window.make.set_recipe({"text": "bell", "note": "c3"})
    wait(lambda: window.state_line.words.text() == "ready")
    soundfile.write(tmp_path / "beat.wav", clicks(120, 4.0), 48_000)
    drop(window, files(tmp_path / "beat.wav"))
    wait(window.offer_bar.isVisible)
    button(window, "Use 2 bars at 120 BPM").click()
    keys = window.make.filled().keys()
    assert (keys["text"], keys["note"], keys["bars"], round(keys["bpm"])) == ("bell", "c3", 2.0, 120)


def test_audio_without_a_daemon_gets_a_sentence(open_window: Open, tmp_path: Path, wait: Wait) -> None:
    window = open_window(free_port())
    drop(window, files(tmp_path / "bell.wav"))
    wait(lambda: "Press Start Clipbridge" in window.status.text())


def test_while_something_is_dragged_the_window_says_what_a_drop_would_do(
    open_window: Open, tmp_path: Path, wait: Wait
) -> None:
    from PySide6.QtGui import QDragLeaveEvent, QDragMoveEvent
    from PySide6.QtWidgets import QApplication

    from bridge.panel.drop_hint import DropHint

    window = open_window(free_port())
    wait(window.make.isVisible)
    (hint,) = window.findChildren(DropHint)
    buttons, keys, mime = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, files(tmp_path / "bell.wav")
    QApplication.sendEvent(window, QDragEnterEvent(QPoint(50, window.height() - 40), ANY_ACTION, mime, buttons, keys))
    form, rest = hint.zones
    assert hint.isVisible() and form.area == window.make.geometry()
    assert (form.words, form.is_here) == ("Start the next clip from bell.wav", False)
    assert rest.words.startswith("Use bell.wav: start from it") and rest.is_here
    QApplication.sendEvent(window, QDragMoveEvent(form.area.center(), ANY_ACTION, mime, buttons, keys))
    assert [zone.is_here for zone in hint.zones] == [True, False]
    QApplication.sendEvent(window, QDragLeaveEvent())
    assert not hint.isVisible()
    words = QMimeData()
    words.setText("rain")
    QApplication.sendEvent(window, QDragEnterEvent(QPoint(50, 50), ANY_ACTION, words, buttons, keys))
    assert [(zone.words, zone.area) for zone in hint.zones] == [("Use these words as the prompt", window.rect())]
