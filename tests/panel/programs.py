"""The programs into which tests drag clips, each started so that it asks nothing and its window is where the drag ends."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil

from tests.harness import need
from tests.jack_device import Jack
from tests.panel.screen import Screen

AREA = 0, 0, 1000, 640  # of the program's window
ON_IT = 620, 380
AUDACITY = """\
PrefsVersion=1.1.1r1
NewPrefsInitialized=1
[Version]
Major=3
Minor=2
Micro=4
[GUI]
ShowSplashScreen=0
[Directories]
TempDir={temporary}
"""
QTRACTOR = """\
<!DOCTYPE qtractor-session>
<session name="s" version="0.9.31"><properties><sample-rate>48000</sample-rate></properties></session>
"""
IDLE_S = 60.0
FIRST_FILE = 208, 115  # the first icon in pcmanfm's window

Program = subprocess.Popen[Any]


def pcmanfm(shown: Screen, folder: Path) -> Program:
    """A file manager that shows a folder."""
    program = shown.start(need("pcmanfm"), "--no-desktop", folder)
    shown.place(folder.name, *AREA)
    return program


def audacity(shown: Screen, area: tuple[int, int, int, int] = AREA) -> Program:
    """Audacity with an empty project. Its window takes the name of the first clip in it."""
    folder = shown.home / ".audacity-data"
    folder.mkdir(exist_ok=True)
    # Files of a killed one lie in the temporary folder, and the next one there asks whether to recover them.
    temporary = folder / f"temporary-{len(list(folder.iterdir()))}"
    temporary.mkdir()
    (folder / "audacity.cfg").write_text(AUDACITY.format(temporary=temporary))
    program = shown.start(need("audacity"))
    shown.place("Audacity", *area)
    _wait_until_idle(program)  # until then it takes no drops, and moves its window to the middle of the screen
    shown.place("Audacity", *area)
    return program


def qtractor(shown: Screen, session: Path, server: Jack) -> Program:
    """Qtractor with an empty session in the file `session`."""
    need("qtractor")
    session.write_text(QTRACTOR)
    program = shown.start(need("qtractor"), session, **server.environment)
    # It says that there is no MIDI; the session is loaded behind that.
    shown.wait(lambda: _errors(shown), "Qtractor says nothing")
    shown.focus("Error")
    shown.key("Return")
    shown.wait(lambda: not _errors(shown), "Qtractor's message stays")
    shown.place("Qtractor", *AREA)
    return program


def saved_clips(shown: Screen, session: Path) -> int:
    """Save Qtractor's session; the number of clips in it."""
    shown.focus("Qtractor")
    shown.key("ctrl+s")
    return len(re.findall(r"<clip name=", session.read_text()))


def _wait_until_idle(program: Program) -> None:
    """Wait until a program computes nothing."""
    process, end = psutil.Process(program.pid), time.monotonic() + IDLE_S
    while process.cpu_percent(0.5) > 5 or process.cpu_percent(0.5) > 5:
        assert time.monotonic() < end, "it goes on computing"


def _errors(shown: Screen) -> bool:
    return any(title.startswith("Error") for title in shown.windows())
