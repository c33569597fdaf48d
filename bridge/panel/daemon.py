"""Starts the daemon as a process of its own. It ends when the panel does, even if the panel crashes, unless the user lets it run."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
from pathlib import Path
from typing import IO

from PySide6.QtCore import QObject, QTimer, Signal

from bridge.system import outside, portable
from bridge.system.owner import STAY

POLL_MS = 250
LAST_BYTES = 8_000  # of what it printed, for its last line
RUN = (sys.executable, "-m", "bridge")
NOT_INSTALLED = (
    "This is only the window: Clipbridge itself is not installed, or was not found. "
    "Install it as the README says, then start it with: clipbridge run"
)

log = logging.getLogger("clipbridge")


class Daemon(QObject):
    """A daemon on `port`. Signal: `ended(why)`: it ended by itself; its last line, or a sentence."""

    ended = Signal(str)

    def __init__(self, port: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._printed = portable.log_folder() / f"clipbridge-panel-{port}.log"
        self._timer = QTimer(self, interval=POLL_MS)
        self._timer.timeout.connect(self._poll)

    @property
    def runs(self) -> bool:
        """Whether a daemon that was started here runs."""
        return self._process is not None

    def start(self) -> str:
        """Start it, if it does not run yet. Returns a sentence if that is impossible, else ""."""
        if self._process is not None:
            return ""
        program = program_of(getattr(sys, "frozen", False))
        if not program:
            return NOT_INSTALLED
        command = [*program, "run", "--osc-port", str(self._port), "--until-stdin-ends"]
        errors = self._errors_file()
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors or subprocess.DEVNULL,
                start_new_session=not portable.WINDOWS,  # Ctrl-C in the panel's terminal is for the panel
                creationflags=portable.NO_CONSOLE,
                env=outside.environment(),
            )  # fmt: skip
        except OSError as error:
            return f"Clipbridge cannot be started ({error.strerror or error})."
        finally:
            if errors is not None:
                errors.close()
        self._timer.start()
        return ""

    def leave(self, stay: bool) -> None:
        """The panel ends. The daemon ends too, after its current clip, unless it should `stay`."""
        if self._process is None or self._process.stdin is None:
            return
        self._timer.stop()
        try:
            if stay and not self._process.stdin.closed:  # it is when the user has just stopped the daemon
                self._process.stdin.write(STAY)
            self._process.stdin.close()
        except OSError as error:  # it has just ended
            log.debug("the daemon was gone: %s", error)
        self._process.returncode = self._process.poll() or 0  # it may outlive us: nobody waits for it
        self._process = None

    def stop(self) -> None:
        """End the daemon after its current clip; `ended` comes then."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def _errors_file(self) -> IO[bytes] | None:
        try:
            self._printed.parent.mkdir(parents=True, exist_ok=True)
            return self._printed.open("wb")
        except OSError as error:
            log.debug("%s cannot be written: %s", self._printed, error)
            return None

    def _poll(self) -> None:
        if self._process is None or (code := self._process.poll()) is None:
            return
        self._timer.stop()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process = None
        self.ended.emit("" if code == 0 else last_line(self._printed) or f"Clipbridge ended (exit code {code}).")


def program_of(frozen: bool) -> list[str]:
    """The program that runs commands of Clipbridge: this Python, or, in a bundle of the panel alone, `clipbridge` of the system
    (or where uv and pipx install it), or [] if neither has it."""
    if not frozen:
        return [*RUN]
    found = shutil.which("clipbridge") or shutil.which("clipbridge", path=str(Path.home() / ".local" / "bin"))
    return [found] if found else []


def last_line(file: Path) -> str:
    """The last line of a program's messages, without "clipbridge: "."""
    try:
        with file.open("rb") as opened:
            opened.seek(max(0, file.stat().st_size - LAST_BYTES))
            lines = opened.read().decode("utf-8", "replace").split("\n")
    except OSError:
        return ""
    return next((line.strip().removeprefix("clipbridge: ") for line in reversed(lines) if line.strip()), "")
