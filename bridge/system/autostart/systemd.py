"""The service as a unit of the user's systemd, on Linux."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import platformdirs

from bridge.errors import SystemRefused
from bridge.system.autostart import files
from bridge.system.autostart.manager import State
from bridge.system.autostart.variables import variables
from bridge.system.own_files import link, remove, write
from bridge.system.programs import ask, tell

UNIT = f"{files.LABEL}.service"
SYSTEMCTL = ("systemctl", "--user")
WANTED_BY = "default.target.wants"


def answers() -> bool:
    """Whether this user has a systemd that can be reached. It cannot after `su`, nor in most containers."""
    return ask(*SYSTEMCTL, "show", "--property=Version")[0] == 0


class Systemd:
    """systemd starts the daemon at log-in, and again after a failure that may pass."""

    name = "systemd"

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        folder = _config_folder() / "systemd" / "user"
        self._file, self._link = folder / UNIT, folder / WANTED_BY / UNIT

    @property
    def place(self) -> str:
        return str(self._file)

    def on(self) -> None:
        written = write(self._file, files.systemd_unit(self._command, variables()))
        link(self._link, self._file)
        tell(*SYSTEMCTL, "daemon-reload")
        ask(
            *SYSTEMCTL, "reset-failed", UNIT
        )  # else one that failed too often is not started; fails if there is nothing to reset
        ask(
            *SYSTEMCTL, "restart" if written else "start", UNIT
        )  # it fails if the daemon ends at once: `state` has the exit code
        if "loaded" not in (loaded := ask(*SYSTEMCTL, "show", "--property=LoadState", UNIT)[1]):
            raise SystemRefused(
                f"systemd does not read {self._file} ({loaded}): systemctl --user status {UNIT} says why."
            )

    def off(self) -> None:
        ask(*SYSTEMCTL, "stop", UNIT)  # this fails if there is no such unit, or if its file cannot be read
        remove(self._link, self._file)
        ask(*SYSTEMCTL, "daemon-reload")
        ask(*SYSTEMCTL, "reset-failed", UNIT)

    def state(self) -> State:
        on = self._link.is_symlink() and self._file.is_file()
        output = ask(*SYSTEMCTL, "show", "--property=ActiveState,ExecMainStatus,ExecMainCode", UNIT)[1]
        facts = dict(line.split("=", 1) for line in output.splitlines() if "=" in line)
        running = facts.get("ActiveState") in ("active", "activating", "reloading", "deactivating")
        exited = facts.get("ExecMainCode") == "1"  # CLD_EXITED of waitid(2): by itself, not by a signal
        return State(on, running, int(facts["ExecMainStatus"]) if exited and not running else None)


def _config_folder() -> Path:
    """Where this user's systemd looks for units. It does not have the variables of the terminal, and `systemctl enable` uses
    those of the terminal; so the link that enables a unit is made here."""
    variables = dict(line.split("=", 1) for line in ask(*SYSTEMCTL, "show-environment")[1].splitlines() if "=" in line)
    if folder := variables.get("XDG_CONFIG_HOME"):
        return Path(re.sub(r"\\(.)", r"\1", folder[2:-1]) if folder.startswith("$'") else folder)
    return Path.home() / ".config" if "HOME" in variables else Path(platformdirs.user_config_dir())
