"""A look from a process of its own: what may hang, crash or take seconds must not do so here."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import bridge


def command(module: str, *options: str) -> list[str]:
    """To run a module of ours. -P: what lies in the current folder must not be imported in the place of a package."""
    return [sys.executable, "-P", "-m", module, *options]


def environment() -> dict[str, str]:
    """In which our own package is found, installed or not."""
    path = os.pathsep.join(filter(None, [str(Path(bridge.__file__).parent.parent), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path}
