"""`clipbridge panel` where no window can be opened: a sentence and an exit code, never a core dump."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness import environment

PANEL = [sys.executable, "-m", "bridge", "panel"]


def panel(home: Path, *program: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `clipbridge panel` without a screen."""
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    env = {name: value for name, value in environment(home).items() if name not in screens}
    command = program or PANEL
    return subprocess.run(command, env=env | variables, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a screen")
@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "There is no screen here"),
        ({"DISPLAY": ":4711"}, "':4711'"),
        ({"QT_QPA_PLATFORM": "nonsense"}, "QT_QPA_PLATFORM"),
    ],
)
def test_without_a_screen_the_panel_says_so_and_ends(tmp_path: Path, variables: dict[str, str], said: str) -> None:
    run = panel(tmp_path, **variables)
    assert run.returncode == 11 and said in run.stderr
    assert run.stderr.startswith("clipbridge: ") and len(run.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("ModuleNotFoundError('No module named PySide6', name='PySide6')", "pip install '.[panel]'"),
        (
            "ImportError('libEGL.so.1: cannot open shared object file: No such file or directory')",
            "missing: libEGL.so.1. ",
        ),
    ],
)
def test_without_qt_or_its_libraries_the_panel_says_what_to_type(tmp_path: Path, error: str, said: str) -> None:
    code = f"""
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name == "PySide6": raise {error}
sys.meta_path.insert(0, Missing())
from bridge.cli import main
sys.exit(main(["panel"]))
"""
    run = panel(tmp_path, sys.executable, "-c", code)
    assert run.returncode == 11 and said in run.stderr and len(run.stderr.splitlines()) == 1


def test_a_port_of_0_is_refused(tmp_path: Path) -> None:
    assert panel(tmp_path, *PANEL, "--osc-port", "0").returncode == 2
