"""What the system's file manager does for us, on Linux, macOS and Windows."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from bridge.system import outside

TIMEOUT_S = 5.0
SHOW_ITEMS = "org.freedesktop.FileManager1.ShowItems"


def show_in_folder(file: Path) -> bool:
    """Open the folder of a file in the system's file manager, with the file selected where the manager can. Returns whether a
    program took the request; waits for it, at most TIMEOUT_S for each."""
    folder = str(file.parent)
    if sys.platform == "win32":
        return _runs(f'explorer /select,"{file}"', any_code=True)  # it returns 1 when all is well
    if sys.platform == "darwin":
        return _runs(["open", "-R", str(file)]) or _runs(["open", folder])
    return _runs(_by_bus(file)) or _runs(["xdg-open", folder])


def _by_bus(file: Path) -> list[str]:
    """The interface that file managers of Linux share. Commas would end the URL."""
    url = file.absolute().as_uri().replace(",", "%2C")
    to = ["--session", "--print-reply", "--dest=org.freedesktop.FileManager1", "/org/freedesktop/FileManager1"]
    return ["dbus-send", *to, SHOW_ITEMS, f"array:string:{url}", "string:"]


def _runs(command: list[str] | str, any_code: bool = False) -> bool:
    if isinstance(command, list) and shutil.which(command[0]) is None:
        return False
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT_S,
            env=outside.environment(),
            check=False,
        )
    except subprocess.TimeoutExpired:
        return True  # it is still busy with it
    except OSError:
        return False
    return any_code or done.returncode == 0
