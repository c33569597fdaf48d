"""Runs SuperCollider's language without a window."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.harness import need


def sclang(script: Path, home: Path) -> str:
    """Run a script; returns everything it posts."""
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "QTWEBENGINE_DISABLE_SANDBOX": "1",
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "XDG_DATA_HOME": str(home),
        "XDG_RUNTIME_DIR": str(home),
    }
    program = [need("sclang"), str(script)]
    run = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=100, check=False)
    return run.stdout + run.stderr
