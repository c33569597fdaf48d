"""What a page in a browser may not learn: the folders of this machine, in paths and in sentences."""

from __future__ import annotations

import re
from typing import Any

WHOLE = re.compile(r"(?:/|\\\\|[A-Za-z]:[/\\]).*")  # an absolute path of any system
WITHIN = re.compile(r"(?<!\S)([\"'(]*)(?:[A-Za-z]:)?[/\\](?:[^/\\\s]+[/\\])+")  # the folders of one, within a sentence


def without_folders(value: Any) -> Any:
    """The value; of a path only the name of the file, of a sentence all but the folders in it."""
    if not isinstance(value, str) or value.startswith("/bridge/"):  # an address, in an error
        return value
    if WHOLE.fullmatch(value):
        return re.split(r"[/\\]", value.rstrip("/\\"))[-1]
    return WITHIN.sub(r"\1", value)
