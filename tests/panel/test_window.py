"""The window with a real daemon behind it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.harness import Daemon, free_port
from tests.panel.conftest import Open, Wait

if TYPE_CHECKING:
    from bridge.panel.window import Window


def press(window: Window, prompt: str) -> None:
    """Type a prompt and press Enter."""
    window.make.prompt.setText(prompt)
    window.make.prompt.returnPressed.emit()


def test_enter_makes_a_clip_and_the_status_line_says_so(open_window: Open, panel_daemon: Daemon, wait: Wait) -> None:
    window = open_window(panel_daemon.port)
    played = list[str]()
    window._play_new = lambda clip: played.append(clip.path)
    wait(lambda: window.state_line.words.text() == "ready")
    wait(lambda: window.make.preset.findData("drum") > 0)
    press(window, "a bell")
    assert [job.prompt for job in window.jobs.rows()] == ["a bell"]
    wait(lambda: window.status.text().startswith("a bell: done"))
    assert window.jobs.rows() == [] and Path(played[0]).is_file()


def test_a_preset_that_is_unknown_fails_with_a_sentence_that_stays(
    open_window: Open, panel_daemon: Daemon, wait: Wait
) -> None:
    window = open_window(panel_daemon.port)
    wait(lambda: window.make.preset.findData("drum") > 0)
    window.make.set_recipe({"text": "bell", "preset": "no such preset"})
    window.make.generate()
    wait(lambda: window.jobs.rows() and window.jobs.rows()[0].state == "failed")
    window.job_rows.show_now()
    row = window.job_rows._rows[0]
    assert row.sentence.isVisible() and "no such preset" in row.sentence.text()
    assert row.remove.accessibleName() == "Dismiss bell"
    row.remove.click()
    assert window.jobs.rows() == []


def test_a_prompt_of_60_kb_is_refused_at_its_field(open_window: Open, panel_daemon: Daemon, wait: Wait) -> None:
    window = open_window(panel_daemon.port)
    wait(lambda: window.state_line.words.text() == "ready")
    press(window, "x" * 60_000)
    assert window.make.fault.isVisible() and "at most 4,000 characters, not 60,000" in window.make.fault.text()
    assert window.jobs.rows() == []
    window.make.prompt.setText("short")
    assert not window.make.fault.isVisible()


def test_the_length_in_bars_follows_the_tempo_which_can_be_typed(
    open_window: Open, panel_daemon: Daemon, wait: Wait
) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    window = open_window(panel_daemon.port)
    client = panel_daemon.client()
    client.send("/bridge/tempo", 90.0)
    window.make.set_length("bars", 2)
    window.make._ask_for_tempo()
    wait(lambda: (window.make.tempo_box.text(), window.make.bpm.text()) == ("90 BPM", "5.33 s"))
    box = window.make.tempo_box
    box.setFocus()
    box.lineEdit().selectAll()
    QTest.keyClicks(box, "126.5")
    window.make._ask_for_tempo()
    QTest.keyClick(box, Qt.Key.Key_Return)
    wait(lambda: (box.text(), window.make.bpm.text()) == ("126.5 BPM", "3.79 s"))
    assert client.ask("/bridge/tempo")[1][:2] == [126.5, 4] and window.jobs.rows() == []
    client.send("/bridge/tempo", 120.0)


def test_without_a_daemon_the_window_says_so_and_offers_to_start_one(open_window: Open, wait: Wait) -> None:
    from bridge.panel.clip_view import ClipView

    window = open_window(free_port())
    wait(window.state_line.start.isVisible)
    assert window.state_line.words.text() == "not running"
    clips = window.findChild(ClipView)
    assert clips is not None and clips._hint.startswith("Clipbridge is not running")
    press(window, "a bell")
    wait(lambda: "Press Start Clipbridge" in window.status.text())


def test_once_clipbridge_runs_the_window_says_no_more_how_to_start_it(
    open_window: Open, panel_daemon: Daemon, wait: Wait
) -> None:
    window = open_window(panel_daemon.port)
    press(window, "a bell")
    wait(lambda: window.state_line.words.text() == "ready" and window.status.text() == "")


def test_what_is_said_moves_nothing_in_the_window_except_in_a_low_one(open_window: Open, wait: Wait) -> None:
    window = open_window(free_port())
    window.resize(380, 520)
    wait(lambda: window.status.isVisible() and window.status.text() == "")
    before = window.pages.geometry()
    window.say("It is done.")
    wait(lambda: window.status.text() == "It is done.")
    assert window.pages.geometry() == before
    window.say("")
    window.resize(300, 200)
    wait(lambda: not window.status.isVisible())


def test_a_drag_that_rests_on_the_tab_of_a_page_opens_it(open_window: Open, wait: Wait) -> None:
    from PySide6.QtCore import QMimeData, Qt, QUrl
    from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent
    from PySide6.QtWidgets import QApplication

    window, mime = open_window(free_port()), QMimeData()
    mime.setUrls([QUrl.fromLocalFile("/clips/kick.wav")])
    bar = window.pages.tabBar()
    assert window.pages.currentIndex() == 0
    facts = (
        bar.tabRect(1).center(),
        Qt.DropAction.CopyAction,
        mime,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    entering = QDragEnterEvent(*facts)
    QApplication.sendEvent(bar, entering)
    assert bar.acceptDrops() and entering.isAccepted()
    QApplication.sendEvent(bar, QDragMoveEvent(*facts))
    wait(lambda: window.pages.currentIndex() == 1)


def test_what_was_filled_in_comes_back(open_window: Open) -> None:
    port = free_port()
    first = open_window(port)
    first.make.set_recipe({"text": "rain", "bars": 2.0, "takes": 3, "note": "c3", "loop": 1, "preset": "foley"})
    filled = first.make.filled()
    first.close()
    assert open_window(port).make.filled() == filled


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon that the panel starts has the stand-in engine, and is looked for often."""
    from bridge.panel import daemon, link

    monkeypatch.setattr(link, "PING_MS", 200)
    monkeypatch.setattr(daemon, "RUN", (sys.executable, "-m", "tests.stand_in"))


def test_what_is_asked_for_while_clipbridge_starts_is_made(open_window: Open, stand_in: None, wait: Wait) -> None:
    window = open_window(free_port())
    window.start_daemon()
    press(window, "a bell")
    wait(lambda: "as soon as" in window.status.text())
    wait(lambda: window.status.text().startswith("a bell: done"))


def test_a_daemon_that_is_killed_is_missed_at_once_and_the_next_one_ends_with_the_window(
    open_window: Open, stand_in: None, wait: Wait
) -> None:
    window = open_window(free_port(), with_daemon=True)
    wait(lambda: window.state_line.words.text() == "ready")
    assert window.daemon._process is not None
    window.daemon._process.kill()
    wait(lambda: window.state_line.words.text().startswith("not running: "))
    assert window.state_line.start.isVisible() and len(window.state_line.words.text()) > len("not running: ")
    window.state_line.start.click()
    wait(lambda: window.state_line.words.text() == "ready")
    process = window.daemon._process
    assert process is not None and not window.state_line.start.isVisible()
    window.close()
    process.returncode = None
    assert process.wait(20) == 0


def test_the_daemon_goes_on_if_the_user_lets_it(open_window: Open, stand_in: None, wait: Wait) -> None:
    from bridge.panel import switches

    window = open_window(free_port(), with_daemon=True)
    window.menu.switches[switches.KEEP_RUNNING].setChecked(True)
    wait(lambda: window.state_line.words.text() == "ready")
    process = window.daemon._process
    assert process is not None
    window.close()
    process.returncode = None
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    process.terminate()
    assert process.wait(20) == 0


def test_a_daemon_that_ends_at_once_says_why(open_window: Open, stand_in: None, tmp_path: Path, wait: Wait) -> None:
    settings = tmp_path / "home" / "config" / "clipbridge" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text("folders = 1", "utf-8")
    window = open_window(free_port())
    window.state_line.start.click()
    wait(lambda: "unknown setting folders" in window.state_line.words.text())
    assert window.state_line.start.isVisible()


def test_a_daemon_of_another_version_is_named(open_window: Open, wait: Wait) -> None:
    window = open_window(free_port())
    window._link.received.emit("/bridge/version", ["9.9"])
    wait(lambda: "9.9 is running" in window.status.text() and "stop Clipbridge" in window.status.text())
    window._link.received.emit("/bridge/error", ["/bridge/play", "unknown_address", "…"])
    wait(lambda: "older than the panel" in window.status.text())
