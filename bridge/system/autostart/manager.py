"""What starts a program at log-in: the part of an operating system that `clipbridge autostart` talks to."""

from __future__ import annotations

import contextlib
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bridge.errors import FolderError, SystemRefused
from bridge.system.writing import write_whole

ANSWER_S = 90.0  # stopping waits for the clip that is being made


@dataclass(frozen=True, slots=True)
class State:
    """`on`: it starts at log-in. `running`: it runs now, started by this manager. `exit_code`: how it ended last, None if that
    is unknown."""

    on: bool
    running: bool
    exit_code: int | None = None


class Manager(Protocol):
    """Turns the service on and off. `name`: what it is, for people. `place`: the file, or the key, that it reads. `on` starts the
    daemon too, and `off` stops it; both may be repeated. They raise FolderError or SystemRefused."""

    name: str

    @property
    def place(self) -> str: ...
    def on(self) -> None: ...
    def off(self) -> None: ...
    def state(self) -> State: ...


def write(file: Path, data: bytes) -> bool:
    """Write a file of ours, unless it has this content already; returns whether it was written. Raises FolderError."""
    try:
        if file.is_file() and file.read_bytes() == data:
            return False
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, data)
        return True
    except OSError as error:
        raise FolderError(f"{file} cannot be written: {error.strerror or error}.") from error


def link(place: Path, target: Path) -> None:
    """Make a symbolic link instead of whatever file is there. Raises FolderError."""
    if place.is_symlink() and place.readlink() == target:
        return
    remove(place)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)
    except OSError as error:
        raise FolderError(f"{place} cannot be created: {error.strerror or error}.") from error


def remove(*files: Path) -> None:
    """Remove files of ours, which need not exist. Raises FolderError."""
    for file in files:
        try:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                file.unlink()
        except OSError as error:
            raise FolderError(f"{file} cannot be removed: {error.strerror or error}.") from error


def ask(*command: str) -> tuple[int, str]:
    """Run a program of the system; returns its exit code and output, or 127 and the reason why it cannot be run."""
    try:
        run = subprocess.run(
            command, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL, timeout=ANSWER_S,
            check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return 127, str(error)
    return run.returncode, (run.stdout + run.stderr).strip()


def tell(*command: str) -> str:
    """Run a program of the system; returns its output. Raises SystemRefused with its last line if it fails."""
    code, output = ask(*command)
    if code:
        last = output.splitlines()[-1:] or [f"exit code {code}"]
        raise SystemRefused(f"{' '.join(command)} failed: {last[0]}")
    return output
