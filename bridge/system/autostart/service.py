"""The service: which command it starts, and what starts it on this system."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bridge.errors import SystemRefused
from bridge.system import portable
from bridge.system.autostart import systemd
from bridge.system.autostart.launchd import Launchd
from bridge.system.autostart.log_in import Desktop, Registry
from bridge.system.autostart.manager import Manager

# -P keeps the current folder out of the import path.
ARGUMENTS = ("-P", "-m", "bridge")
START_TIMEOUT_S = 60.0


def command() -> list[str]:
    """The daemon of this environment, with the settings of config.toml."""
    return [str(portable.windowless_python()), *ARGUMENTS, "run"]


def check() -> None:
    """Raises SystemRefused if this environment's Clipbridge does not start from another folder, without the variables of this
    terminal. So it is if it runs from a downloaded folder and is not installed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    program = [sys.executable, *ARGUMENTS, "--version"]
    try:
        run = subprocess.run(
            program, cwd=Path.home(), env=environment, capture_output=True, timeout=START_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SystemRefused(f"{program[0]} cannot be started: {error}") from error
    if run.returncode:
        raise SystemRefused(
            f"{sys.executable} finds no Clipbridge outside this folder. Install it there (pip install .), then try again."
        )


def managers() -> list[Manager]:
    """What can start the service on this system, the one to use first. The others may have done so before."""
    if sys.platform == "win32":
        return [Registry(command())]
    if sys.platform == "darwin":
        return [Launchd(command())]
    both: list[Manager] = [systemd.Systemd(command()), Desktop(command())]
    return both if systemd.answers() else both[::-1]


def on() -> Manager:
    """Start the daemon now and at every log-in; returns what does it. Raises FolderError, SystemRefused."""
    check()
    first, *others = managers()
    for other in others:
        if other.state().on:
            other.off()
    first.on()
    return first


def off() -> None:
    """Stop the daemon that the service started, and start it no more. Raises FolderError, SystemRefused."""
    for manager in managers():
        manager.off()
