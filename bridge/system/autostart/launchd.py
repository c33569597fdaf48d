"""The service as an agent of launchd, on macOS."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from pathlib import Path

from bridge.errors import FolderError
from bridge.system import portable
from bridge.system.autostart import files
from bridge.system.autostart.manager import State
from bridge.system.autostart.variables import variables
from bridge.system.own_files import remove, write
from bridge.system.programs import ask, tell

POLL_S = 0.2


class Launchd:
    """launchd starts the daemon at log-in, and again after a crash."""

    name = "launchd"

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._file = Path.home() / "Library" / "LaunchAgents" / f"{files.LABEL}.plist"
        self._domain = f"gui/{os.getuid()}" if hasattr(os, "getuid") else ""
        self._target = f"{self._domain}/{files.LABEL}"

    @property
    def place(self) -> str:
        return str(self._file)

    def on(self) -> None:
        errors = portable.log_folder() / "clipbridge-service.log"
        try:
            errors.parent.mkdir(parents=True, exist_ok=True)  # launchd makes the file, not its folder
        except OSError as error:
            raise FolderError(f"{errors.parent} cannot be created: {error.strerror or error}.") from error
        written = write(self._file, files.launch_agent(self._command, variables(), errors))
        if self._is_loaded() and not written:
            tell("launchctl", "kickstart", self._target)  # it does nothing if the daemon runs
            return
        self._unload()
        tell("launchctl", "enable", self._target)
        tell("launchctl", "bootstrap", self._domain, str(self._file))

    def off(self) -> None:
        self._unload()
        remove(self._file)

    def state(self) -> State:
        code, output = ask("launchctl", "print", self._target)
        ended = re.search(r"^\s*last exit code = (\d+)", output, re.MULTILINE)
        running = code == 0 and re.search(r"^\s*state = running", output, re.MULTILINE) is not None
        return State(self._file.is_file(), running, int(ended[1]) if code == 0 and ended and not running else None)

    def _is_loaded(self) -> bool:
        return ask("launchctl", "print", self._target)[0] == 0

    def _unload(self) -> None:
        """Stop the daemon and wait until launchd has let go of it: it refuses the same label until then."""
        if not self._is_loaded():
            return
        tell("launchctl", "bootout", self._target)
        end = time.monotonic() + files.STOP_S
        while self._is_loaded() and time.monotonic() < end:
            time.sleep(POLL_S)
