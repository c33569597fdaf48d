"""The token in the link of the touch page. It stays the same, so that a tablet that has the page open, or a bookmark, comes back."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from bridge.errors import ConfigError

TOKEN = re.compile(r"[A-Za-z0-9_-]{32,100}")


def read_or_create(file: Path) -> str:
    """The token in a file that only its owner can read; a new one if there is no such file. Raises ConfigError."""
    try:
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
                out.write(secrets.token_urlsafe(32) + "\n")
        token = file.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        raise ConfigError(f"The token file {file} cannot be used ({error}).") from error
    if not TOKEN.fullmatch(token):
        raise ConfigError(f"{file} has no token of 32 letters and digits: delete it, and a new one is made.")
    return token
