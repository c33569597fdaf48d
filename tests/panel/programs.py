"""The programs into which tests drag clips, each started so that it asks nothing and its window is where the drag ends."""

from __future__ import annotations

import html
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
ARDOUR = """\
<Ardour><Config><Option name="hide-dummy-backend" value="0"/><Option name="try-autostart-engine" value="1"/></Config>
<Extra><AudioMIDISetup><EngineStates><State backend="None (Dummy)" driver="Normal Speed" device="Silence"
 input-device="Silence" output-device="Silence" sample-rate="48000" buffer-size="1024" n-periods="2" input-latency="0"
 output-latency="0" input-channels="2" output-channels="2" active="1" use-buffered-io="0" midi-option="1 in, 1 out, Silence"
 lru="1"/></EngineStates></AudioMIDISetup></Extra></Ardour>
"""
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
    _wait_until_idle(program)
    return program


def ardour(shown: Screen, session: Path) -> Program:
    """Ardour 7 with a new session in the folder `session`, on its own silent device."""
    settings = Path(shown.environment["XDG_CONFIG_HOME"]) / "ardour7"
    settings.mkdir(parents=True, exist_ok=True)
    (settings / ".a7").touch()  # it has been started before
    (settings / "config").write_text(ARDOUR)
    make = [need("ardour7-new_empty_session"), "-s", "48000", str(session), session.name]
    subprocess.run(make, env=shown.environment, check=True, capture_output=True)
    program = shown.start(need("ardour"), session)
    shown.place(session.name, *AREA)
    _wait_until_idle(program)
    shown.place(session.name, *AREA)
    return program


def clips_in_ardour(shown: Screen, session: Path) -> list[str]:
    """Save Ardour's session; the names of the files in it."""
    return [
        html.unescape(name) for name in re.findall(r'<Source [^>]*name="([^"]+)"', _saved_by_ardour(shown, session))
    ]


def regions_in_ardour(shown: Screen, session: Path) -> int:
    """Save Ardour's session; the number of regions on its tracks. Each drop adds one."""
    playlists = re.search(r"<Playlists>.*</Playlists>", _saved_by_ardour(shown, session), re.DOTALL)
    return len(re.findall(r"<Region ", playlists[0])) if playlists else 0


def _saved_by_ardour(shown: Screen, session: Path) -> str:
    shown.focus(session.name)
    shown.key("ctrl+s")
    return (session / f"{session.name}.ardour").read_text()


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
