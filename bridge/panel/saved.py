"""What the settings remember. They are a text file, which anybody may edit, and which the window's own thread writes."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import QSettings

MOST = 2**31 - 1  # that Qt takes


def number(saved: object, default: float, low: float = 0.0, high: float = MOST) -> float:
    """A number between `low` and `high`; `default` if `saved` is not a number."""
    try:
        value = float(str(saved))
    except ValueError:
        return default
    return default if math.isnan(value) else min(max(low, value), high)


def whole(saved: object, default: int = 0, low: int = 0, high: int = MOST) -> int:
    """A whole number between `low` and `high`; `default` if `saved` is not a number."""
    return int(number(saved, default, low, high))


def flag(saved: object) -> bool:
    """Whether a switch was on. The settings file holds only text; a value of this run may still be a bool."""
    return str(saved).lower() in ("true", "1")


def remember(settings: QSettings, key: str, value: Any) -> None:
    """Save a value that is another one than before: Qt writes the file even if nothing has changed, and waits for the disk."""
    if settings.value(key) != value:
        settings.setValue(key, value)
