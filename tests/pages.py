"""The generated parts of the documentation. `python -m tests.pages` writes them; a test compares them with the code.

A generated part stands between `<!-- begin NAME: … -->` and `<!-- end NAME -->`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from bridge.frontends.osc import addresses

ROOT = Path(__file__).parent.parent
PARTS: dict[str, tuple[str, Callable[[], str]]] = {
    "osc": ("host_scripts/OSC.md", addresses.tables),
}


def current(name: str) -> str:
    """The page that holds a generated part, with that part as the code has it now. ValueError if the markers are missing."""
    page, make = PARTS[name]
    text = (ROOT / page).read_text("utf-8")
    part = re.compile(rf"(<!-- begin {name}:[^>]*-->\n).*(<!-- end {name} -->)", re.DOTALL)
    new, count = part.subn(lambda match: f"{match[1]}{make()}{match[2]}", text)
    if count != 1:
        raise ValueError(f"{page} has no part named {name}")
    return new


if __name__ == "__main__":
    for name, (page, _) in PARTS.items():
        (ROOT / page).write_text(current(name), "utf-8", newline="\n")
