from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bridge.system import desktop


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs, the only one in PATH. Each writes its arguments, a line each, beside itself."""
    if sys.platform != "linux":
        pytest.skip("the programs are shell scripts, of Linux")
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def program(folder: Path, name: str, code: int) -> Path:
    file, log = folder / name, folder / f"{name}.log"
    file.write_text(f'#!/bin/sh\nfor word in "$@"; do echo "$word"; done > "{log}"\nexit {code}\n')
    file.chmod(0o755)
    return log


def test_the_file_manager_shows_a_file_with_any_name(programs: Path) -> None:
    asked = program(programs, "dbus-send", 0)
    assert desktop.show_in_folder(Path("/clips/50% wet, röhre #2.wav"))
    *_, method, files, startup = asked.read_text().splitlines()
    assert (method, startup) == ("org.freedesktop.FileManager1.ShowItems", "string:")
    assert files == "array:string:file:///clips/50%25%20wet%2C%20r%C3%B6hre%20%232.wav"


def test_without_such_a_file_manager_the_folder_opens_and_without_any_there_is_none(programs: Path) -> None:
    program(programs, "dbus-send", 1)
    assert not desktop.show_in_folder(Path("/clips/a.wav"))
    asked = program(programs, "xdg-open", 0)
    assert desktop.show_in_folder(Path("/clips/a.wav")) and asked.read_text() == "/clips\n"
