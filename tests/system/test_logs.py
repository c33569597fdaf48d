"""The log: no message can fake a line, repeated messages do not fill it, and a slow disk delays nothing."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from pathlib import Path

import pytest

from bridge.config import log_file_name
from bridge.system import logs
from tests.harness import Client, Daemon

log = logging.getLogger("clipbridge")
FILE = "clipbridge.log"


class StandInClock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def record(message: str, level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord("clipbridge", level, "", 0, message, None, None)


def test_the_same_message_comes_once_a_minute_with_how_often_it_came_in_between() -> None:
    clock = StandInClock()
    collapse = logs.Collapse(clock)
    assert collapse.filter(record("the cable is loose"))
    assert not any(collapse.filter(record("the cable is loose")) for _ in range(37))
    assert collapse.filter(record("another one"))
    clock.now += logs.COLLAPSE_S
    again = record("the cable is loose")
    assert collapse.filter(again) and "37 more of this in the last 60 s" in again.getMessage()
    assert not collapse.filter(record("the cable is loose"))


def test_a_million_different_messages_take_no_more_memory_than_a_thousand() -> None:
    collapse = logs.Collapse(StandInClock())
    assert all(collapse.filter(record(f"message {number}")) for number in range(3_000))
    assert len(collapse._seen) <= logs.REMEMBERED_MESSAGES


def test_control_characters_are_written_out_and_a_line_cannot_be_faked() -> None:
    line = logs.Lines("%(levelname)s %(message)s").format(record("rain\n2026-01-01 ERROR all is lost\x1b[2J\u202e"))
    assert line.splitlines()[1].startswith("    2026")  # indented: no line of ours
    assert "\\x1b[2J\\u202e" in line and "\x1b" not in line


def test_the_file_has_bounds_and_older_ones_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "FILE_BYTES", 2_000)
    stop = logs.start(tmp_path / "logs", "clipbridge.log")
    for number in range(200):
        log.info("line %d of many, %s", number, "x" * 50)
    stop()
    files = sorted(file.name for file in (tmp_path / "logs").iterdir())
    assert files[0] == FILE and len(files) == 1 + logs.OLDER_FILES
    assert all(file.stat().st_size <= 2_000 for file in (tmp_path / "logs").iterdir())
    assert "line 199 of many" in (tmp_path / "logs" / FILE).read_text("utf-8")


def test_a_log_folder_that_cannot_be_created_is_reported_and_nothing_else_happens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_text("a file")
    stop = logs.start(tmp_path / "taken" / "logs", "clipbridge.log")
    log.warning("still here")
    stop()
    errors = capsys.readouterr().err
    assert "Logging without a file" in errors and "still here" in errors


def test_a_terminal_that_is_paused_keeps_no_line_from_the_file_and_nobody_from_stopping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class StandInPausedTerminal:
        def write(self, _text: str) -> None:
            threading.Event().wait(30)

        def flush(self) -> None:
            pass

    monkeypatch.setattr(sys, "stderr", StandInPausedTerminal())
    stop = logs.start(tmp_path, FILE)
    for number in range(50):
        log.warning("line %d", number)
    stop()
    assert "line 49" in (tmp_path / FILE).read_text("utf-8")


def test_a_file_that_cannot_be_rotated_is_written_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_names: object) -> None:
        raise PermissionError(13, "another program has it open")

    monkeypatch.setattr(logs, "FILE_BYTES", 2_000)
    monkeypatch.setattr(os, "rename", refuse)
    stop = logs.start(tmp_path, FILE)
    for number in range(100):
        log.info("line %d of many, %s", number, "x" * 50)
    stop()
    text = (tmp_path / FILE).read_text("utf-8")
    assert "line 0 of" in text and "line 99 of" in text


def test_two_daemons_write_two_files() -> None:
    assert log_file_name(57200) == "clipbridge.log" != log_file_name(57201)


def test_the_daemons_log_has_every_job_with_all_that_was_asked(daemon: Daemon, client: Client) -> None:
    client.send("/bridge/generate", "rain \u202e on tin", 0.3, "steps", 2, "seed", 4711, "id", "logged")
    client.end_of("logged")
    (file,) = [file for file in daemon.home.rglob("*.log") if "'logged' queued" in file.read_text("utf-8")]
    end = time.monotonic() + 10
    while "job 'logged' done" not in (text := file.read_text("utf-8")):
        assert time.monotonic() < end, text[-2_000:]
    queued = next(line for line in text.splitlines() if "'logged' queued" in line)
    assert "seed=4711" in queued and "rain \\u202e on tin" in queued and "state ready" in text
    assert "\u202e" not in text
