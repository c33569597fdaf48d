"""Programs that go on in the background: start one, find it again by its command line, stop it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

WINDOWS_FLAGS = ("DETACHED_PROCESS", "CREATE_NEW_PROCESS_GROUP")
_started: list[subprocess.Popen[bytes]] = []  # Python warns of one that is dropped while it runs


def start(command: Sequence[str]) -> None:
    """Start `command` in the user's home folder, without a terminal; it outlives this process. Raises OSError."""
    flags = sum(getattr(subprocess, name, 0) for name in WINDOWS_FLAGS)  # they exist on Windows only
    _started.append(
        subprocess.Popen(
            command,
            cwd=Path.home(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=sys.platform != "win32",
            creationflags=flags,
        )
    )


def find(command: Sequence[str]) -> list[psutil.Process]:
    """This user's processes with the arguments of `command`. The program itself is not compared: on Windows, the Python of a
    virtual environment starts another one with the same arguments."""
    user = psutil.Process().username()
    found = []
    for process in psutil.process_iter():
        try:
            if process.cmdline()[1:] == list(command[1:]) and process.username() == user:
                found.append(process)
        except (psutil.Error, OSError):  # it has ended, or belongs to another user
            continue
    return found


def stop(command: Sequence[str], within_s: float) -> None:
    """Stop the processes with that command line: politely where the system can (Windows cannot), after `within_s` by force."""
    processes = find(command)
    for process in processes:
        try:
            process.terminate()
        except psutil.Error:
            continue
    for process in psutil.wait_procs(processes, timeout=within_s)[1]:
        try:
            process.kill()
        except psutil.Error:
            continue
