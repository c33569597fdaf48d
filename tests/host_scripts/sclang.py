"""Runs SuperCollider's language without a window, and with our Quark."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.harness import need

QUARK = Path(__file__).parents[2] / "host_scripts" / "supercollider"

# Every script posts lines that the test reads, and quits by itself, or after a minute.
FRAME = """(
var tell = {{ |what ... values| ("TOLD " ++ what ++ "|" ++ values.join("|")).postln }};
var end = {{ "TOLD end".postln; 0.exit }};
Clipbridge.port = {port};
SystemClock.sched(60, {{ "TOLD late".postln; 1.exit }});
{{
{script}
}}.value;
)
"""

Told = list[tuple[str, list[str]]]


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


def installed(home: Path) -> Path:
    """Install the Quark in the extensions folder of a user with this home; returns its folder."""
    place = home / "SuperCollider" / "Extensions" / "clipbridge"
    shutil.copytree(QUARK, place)
    return place


def run(script: str, port: int, home: Path) -> tuple[Told, str]:
    """Run a script with the class. Returns the lines it told, and everything it posted."""
    need("sclang")
    if not (home / "SuperCollider").exists():
        installed(home)
    file = home / "script.scd"
    file.write_text(FRAME.format(port=port, script=script), "utf-8")
    try:
        posted = sclang(file, home)
    except subprocess.TimeoutExpired as late:  # the script did not compile, so nothing ended it
        raise AssertionError((late.stdout or b"").decode()[-4000:]) from late
    lines = [line.removeprefix("TOLD ").split("|") for line in posted.splitlines() if line.startswith("TOLD ")]
    assert lines and lines[-1] == ["end"] and "ERROR" not in posted, posted[-4000:]
    return [(what, values) for what, *values in lines[:-1]], posted


def told(lines: Told, what: str) -> list[list[str]]:
    """The values of the told lines of one kind."""
    return [values for name, values in lines if name == what]
