"""The environment of programs that are not ours, when we run as a bundle."""

from __future__ import annotations

import os
import sys

LIBRARIES = "LD_LIBRARY_PATH"
ORIGINAL = "LD_LIBRARY_PATH_ORIG"  # where PyInstaller keeps what the variable was


def environment() -> dict[str, str]:
    """The variables for a program of the system. In a bundle on Linux, ours name the bundle's libraries, which others must not load."""
    variables = dict(os.environ)
    if getattr(sys, "frozen", False):
        variables.pop(LIBRARIES, None)
        if original := variables.pop(ORIGINAL, ""):
            variables[LIBRARIES] = original
    return variables
