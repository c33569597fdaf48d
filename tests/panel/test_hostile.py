"""What the panel makes of settings, names and messages that nobody should send it."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.panel.conftest import Open, Wait
from tests.panel.fake_daemon import FakeDaemon

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from bridge.panel.window import Window

NONSENSE = {
    "large": "[clips]\ngain_percent=99999999999999\n[window]\npage=99999999999999\n[form]\ntakes=1e15\n[pads]\nbank=99999999999\n",
    "infinite": "[form]\nlength=inf\ntakes=inf\nloop=inf\n[window]\npage=inf\n[clips]\ngain_percent=-inf\n",
    "no numbers": "[form]\nlength=nan\ntakes=nan\nloop=nan\n[clips]\ngain_percent=nan\n[pads]\nbank=nan\n",
    "lists": "[form]\ntext=a, b\nunit=a, b\ntakes=1, 2\n[window]\ngeometry=a, b\npage=1, 2\non_top=a, b\n[kit]\nname=a, b\n",
    "other types": "[form]\nlength=@Point(1 2)\n[window]\ngeometry=@ByteArray(x)\npage=@Invalid()\n[kit]\nname=@Rect(1 2 3 4)\n",
    "no settings": "\0\x01[[[==\n]]\n%%%\n",
}
# Each is like a message of the daemon, with a value that it would not send.
MALFORMED: list[tuple[str, list[Any]]] = [
    ("/bridge/progress", ["job", math.nan]),
    ("/bridge/queue/count", [1]),
    ("/bridge/queue/job", [["job"], 1, "prompt", 2.0]),
    ("/bridge/queue/job", ["job", 1, "prompt", 2.0, ["eta_seconds"], 3.0]),
    ("/bridge/queue/job", ["job", 2**62, "prompt", 2.0, "eta_seconds", math.inf]),
    ("/bridge/clip", ["/a/kick.wav", ["id"], "x", "seconds", math.nan]),
    ("/bridge/found", [-5, "total", -(2**62)]),
    ("/bridge/tempo", [math.inf, 4]),
    ("/bridge/tempo", [1e30, 2**62]),
    ("/bridge/pad/0/state", ["ready", math.nan]),
    ("/bridge/pad/0/state", ["ready", 1.0, ["why"], "why"]),
    ("/bridge/pad/0/prompt", ["kick", "choke", 2**62, "gain", math.inf, "bars", math.nan]),
    ("/bridge/pad/0/prompt", ["kick", "choke", 2**62, "seconds", -(2**62), "quantize", 5, "preset", 5]),
    ("/bridge/kit/queued", ["a kit", 2**62]),
    ("/bridge/kit/progress", ["a kit", -(2**62), 2**62]),
    ("/bridge/kit/sound", ["a kit", 36, "/a/kick.wav", "", ["prompt"], "kick"]),
    ("/bridge/kit/done", ["a kit", "/a/kit", 2**62, 0, ["sfz"], 5]),
    ("/bridge/measured", ["/a/kick.wav", "seconds", math.nan, "recipe", "[" * 50_000]),
]


@pytest.mark.parametrize("text", NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_in_the_settings_file_is_passed_over(text: str, tmp_path: Path, open_window: Open) -> None:
    (tmp_path / "panel.ini").write_text(text)
    assert open_window(9).pages.count() == 3


def test_malformed_messages_are_passed_over(open_window: Open, wait: Wait, monkeypatch: pytest.MonkeyPatch) -> None:
    from bridge.panel.clip_pane import ClipPane

    raised: list[BaseException] = []
    monkeypatch.setattr(sys, "excepthook", lambda *about: raised.append(about[1]))
    with FakeDaemon() as daemon:
        window = open_window(daemon.port)
        wait(lambda: daemon.heard and window.state_line.words.text() == "ready")
        window.jobs.ask("job", "kick", 1.0, "kick", "id", "job")
        wait(lambda: any(address == "/bridge/find" for address, _ in daemon.heard))
        search = [values[-1] for address, values in daemon.heard if address == "/bridge/find"][-1]
        width = window.minimumSizeHint().width()
        daemon.say("/bridge/found", 1, "total", 2**62, "id", search)
        daemon.say("/bridge/clip", "/a/bell.wav", "id", search, "seconds", 1e30, "bars", 1e30, "seed", 2**62)
        pane = window.pages.widget(0)
        assert isinstance(pane, ClipPane)
        wait(lambda: pane.model.rowCount() == 1)
        pane.view.choose(pane.model.index(0), quietly=True)
        assert window.minimumSizeHint().width() == width
        for page in range(window.pages.count()):
            window.pages.setCurrentIndex(page)
            for address, arguments in MALFORMED:
                daemon.say(address, *arguments)
            daemon.say("/bridge/state", "ready", f"page {page}")
            wait(partial(_says, window, f"page {page}"))
            window.job_rows.show_now()
            window.grab()
    assert raised == []


def _says(window: Window, words: str) -> bool:
    return words in window.state_line.words.text()


def test_work_on_a_thread_leaves_no_object_behind_for_which_another_one_is_taken(
    application: QApplication, wait: Wait
) -> None:
    import shiboken6
    from PySide6.QtCore import QRunnable

    from bridge.panel.background import Background
    from bridge.panel.peaks import Peaks

    background, peaks = Background(), Peaks()
    done: list[int] = []
    missing: list[str] = []
    peaks.missing.connect(lambda path, _why: missing.append(path))
    for number in range(20):
        background.do(partial(int, number), done.append)
    peaks.get("/nowhere/kick.wav", 256)
    wait(lambda: len(done) == 20 and missing)
    background.close()
    peaks.close()
    assert not [left for left in shiboken6.getAllValidWrappers() if isinstance(left, QRunnable)]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with a name in a folder")
def test_a_pipe_in_the_folder_does_not_hold_up_the_waveforms_of_files(
    application: QApplication, tmp_path: Path, wait: Wait
) -> None:
    from bridge.panel.peaks import Peaks

    pipe, sound = tmp_path / "pipe.wav", tmp_path / "sound.wav"
    os.mkfifo(pipe)
    sound.write_bytes(b"no sound")
    peaks = Peaks()
    missing: dict[str, str] = {}
    ready: list[str] = []
    peaks.missing.connect(missing.__setitem__)
    peaks.ready.connect(ready.append)
    peaks.look([(str(sound), 8), (str(pipe), 8)])
    wait(lambda: ready == [str(sound)])
    peaks.close()
    assert missing == {str(pipe): "The file cannot be opened (it is not a regular file).", str(sound): ""}


def test_a_daemon_that_was_stopped_ends_although_it_should_run_on_when_the_window_closes(
    application: QApplication,
) -> None:
    from bridge.panel.daemon import Daemon

    daemon = Daemon(9)
    command = [sys.executable, "-c", "import sys; sys.exit(len(sys.stdin.read()))"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        daemon._process = process
        daemon.stop()
        daemon.leave(stay=True)
        process.returncode = None  # the panel does not wait for it
        assert process.wait(20) == 0 and not daemon.runs


def test_many_jobs_at_once_get_their_rows_some_at_a_time(open_window: Open, wait: Wait) -> None:
    from bridge.panel.job_rows import MOST_ROWS, NEW_ROWS

    window = open_window(9)
    window.job_rows._timer.stop()
    for number in range(MOST_ROWS + 10):
        window.jobs.ask(number, "kick", 1.0, "kick")
    counts = []
    while window.jobs.changed:
        window.job_rows._refresh()
        counts.append((len(window.job_rows._rows), window.job_rows.rest.text()))
    assert counts[0] == (NEW_ROWS, f"and {MOST_ROWS + 10 - NEW_ROWS} more")
    assert counts[-1] == (MOST_ROWS, "and 10 more") and len(counts) == MOST_ROWS // NEW_ROWS
