"""The daemon as a program that the desktop (Linux without systemd) or Windows starts at log-in. Nothing watches over it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import platformdirs

from bridge.errors import FolderError, SystemRefused
from bridge.system import background
from bridge.system.autostart import files
from bridge.system.autostart.manager import State
from bridge.system.own_files import remove, write

RUN_KEY = r"Software\Microsoft\Windows\CurrentVersion\Run"
RUN_NAME = "Clipbridge"
RUN_CHARACTERS = 260  # Microsoft's "Run and RunOnce Registry Keys"


class Desktop:
    """An entry in the desktop's autostart folder (XDG Autostart)."""

    name = "your desktop, because systemd does not answer here"

    def __init__(self, command: Sequence[str]) -> None:
        self._file = Path(platformdirs.user_config_dir()) / "autostart" / f"{files.LABEL}.desktop"
        self._command = command

    @property
    def place(self) -> str:
        return str(self._file)

    def on(self) -> None:
        write(self._file, files.autostart_entry(self._command))
        _start(self._command)

    def off(self) -> None:
        remove(self._file)
        background.stop(self._command, files.STOP_S)

    def state(self) -> State:
        return State(self._file.is_file(), bool(background.find(self._command)))


class Registry:
    """A value of the user's Run key, which needs no administrator. Windows ends the daemon when the user logs off."""

    name = "Windows"
    place = rf"HKEY_CURRENT_USER\{RUN_KEY}\{RUN_NAME}"

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command

    def on(self) -> None:
        _write_run_value(run_value(self._command))
        _start(self._command)

    def off(self) -> None:
        _write_run_value(None)
        background.stop(self._command, files.STOP_S)

    def state(self) -> State:
        return State(_run_value() is not None, bool(background.find(self._command)))


def run_value(command: Sequence[str]) -> str:
    """A command line as Windows reads it. Raises SystemRefused if it is too long for the Run key."""
    line = subprocess.list2cmdline(command)
    if len(line) > RUN_CHARACTERS:
        raise SystemRefused(
            f"Windows starts no command of {len(line)} characters at log-on (at most {RUN_CHARACTERS}): install Clipbridge "
            f"in a folder with a shorter path than {Path(command[0]).parent}."
        )
    return line


def _start(command: Sequence[str]) -> None:
    if background.find(command):
        return
    try:
        background.start(command)
    except OSError as error:
        raise SystemRefused(f"{command[0]} cannot be started: {error.strerror or error}.") from error


def _run_value() -> str | None:
    if sys.platform != "win32":
        return None
    import winreg

    try:
        with winreg.OpenKey(winreg.HKEY_CURRENT_USER, RUN_KEY) as key:
            return str(winreg.QueryValueEx(key, RUN_NAME)[0])
    except OSError:
        return None


def _write_run_value(line: str | None) -> None:
    """Write the value, or remove it (None)."""
    if sys.platform != "win32":
        return
    import winreg

    try:
        with winreg.CreateKey(winreg.HKEY_CURRENT_USER, RUN_KEY) as key:
            if line is not None:
                winreg.SetValueEx(key, RUN_NAME, 0, winreg.REG_SZ, line)
            elif _run_value() is not None:
                winreg.DeleteValue(key, RUN_NAME)
    except OSError as error:
        raise FolderError(f"{Registry.place} cannot be written: {error.strerror or error}.") from error
