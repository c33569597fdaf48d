"""The switches of the window that are remembered."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QSettings

from bridge.panel import saved


@dataclass(frozen=True, slots=True)
class Switch:
    """A choice that is remembered. `key`: in the settings."""

    key: str
    words: str
    default: bool
    keys: str = ""


ON_TOP = Switch("window/on_top", "Stay on top of other windows", False, "Ctrl+T")
KEEP_RUNNING = Switch("daemon/keep_running", "Let Clipbridge run on when this window closes", False)
SHOW_FORM = Switch("show/form", "Form", True, "Ctrl+Shift+F")
SHOW_JOBS = Switch("show/jobs", "Jobs", True, "Ctrl+Shift+J")
SHOW_STATUS = Switch("show/status", "Status line", True)
SWITCHES = (ON_TOP, KEEP_RUNNING, SHOW_FORM, SHOW_JOBS, SHOW_STATUS)


def is_on(settings: QSettings, switch: Switch) -> bool:
    """Whether a switch is on."""
    return saved.flag(settings.value(switch.key, switch.default))
