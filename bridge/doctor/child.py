"""Run a check in a child process, where it can hang, crash or take seconds without harm."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import bridge


def command(module: str, *options: str) -> list[str]:
    """The command line that runs `module` of this package. -P keeps the current folder out of the import path."""
    return [sys.executable, "-P", "-m", module, *options]


def environment() -> dict[str, str]:
    """The environment in which the child finds this package, installed or not."""
    path = os.pathsep.join(filter(None, [str(Path(bridge.__file__).parent.parent), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path}
