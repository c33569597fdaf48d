"""Real drags with a real mouse, between the panel and programs of other people."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness import STAND_IN, Daemon, need
from tests.jack_device import jack
from tests.panel.screen import Screen, screen
from tests.panel.window import Panel

DAW = 0, 0, 1000, 640  # where the other program's window is
ON_IT = 620, 380
ODD = "50% wet & röhre (take #2).wav"
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


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screen]:
    with screen(tmp_path_factory.mktemp("screen")) as one:
        yield one


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Daemon, list[str]]]:
    """A daemon with two clips, one with an odd name; their paths."""
    place = tmp_path_factory.mktemp("drags")
    daemon = Daemon(place / "clips", place / "home", run=STAND_IN)
    client, paths = daemon.client(), []
    for number in (1, 2):
        client.send("/bridge/generate", "deep warm kick", 1.0, "id", number)
        paths.append(client.end_of(number)[1][1])
    odd = Path(paths[1]).with_name(ODD)
    Path(paths[1]).rename(odd)
    yield daemon, [paths[0], odd.as_posix()]
    daemon.stop()


@pytest.fixture(scope="module")
def panel(shown: Screen, clips: tuple[Daemon, list[str]]) -> Iterator[Panel]:
    need("pcmanfm")
    panel = Panel(shown, clips[0].port)
    yield panel
    panel.close()


def arrives(shown: Screen, condition: Callable[[], object], what: str) -> None:
    shown.wait(condition, f"{what} did not arrive", 15)


def test_a_clip_that_is_dragged_into_a_file_manager_is_copied(
    panel: Panel, clips: tuple[Daemon, list[str]], tmp_path: Path
) -> None:
    target = tmp_path / "target of the drag"
    target.mkdir()
    manager = panel.screen.start(need("pcmanfm"), "--no-desktop", target)
    panel.screen.place(target.name, *DAW)
    for path in clips[1]:
        panel.screen.drag(panel.where(path), ON_IT)
        copy, whole = target / Path(path).name, Path(path).read_bytes()
        arrives(panel.screen, copy.is_file, path)
        assert copy.read_bytes() == whole == Path(path).read_bytes()
    manager.kill()


def test_a_clip_that_is_dragged_into_audacity_is_opened(panel: Panel, clips: tuple[Daemon, list[str]]) -> None:
    folder = panel.screen.home / ".audacity-data"
    folder.mkdir()
    (folder / "audacity.cfg").write_text(AUDACITY.format(temporary=folder / "temporary"))
    audacity = panel.screen.start(need("audacity"))
    panel.screen.place("Audacity", *DAW)
    panel.screen.drag(panel.where(clips[1][1]), ON_IT)
    arrives(panel.screen, lambda: Path(ODD).stem in panel.screen.windows(), ODD)
    audacity.kill()


def test_a_clip_that_is_dragged_into_qtractor_is_on_a_track(
    panel: Panel, clips: tuple[Daemon, list[str]], tmp_path: Path
) -> None:
    need("qtractor")
    shown, session = panel.screen, tmp_path / "s.qtr"
    session.write_text(QTRACTOR)
    with jack() as server:
        qtractor = shown.start(need("qtractor"), session, **server.environment)
        # It says that there is no MIDI; the session is loaded behind that.
        shown.wait(lambda: any(title.startswith("Error") for title in shown.windows()), "Qtractor says nothing")
        shown.focus("Error")
        shown.key("Return")
        shown.wait(lambda: not any(title.startswith("Error") for title in shown.windows()), "the message stays")
        shown.place("Qtractor", *DAW)
        shown.drag(panel.where(clips[1][0]), ON_IT)
        time.sleep(1)
        shown.focus("Qtractor")
        shown.key("ctrl+s")
        arrives(
            shown,
            lambda: "<clip name=" in session.read_text() and Path(clips[1][0]).name in session.read_text(),
            "the clip",
        )
        qtractor.kill()
        qtractor.wait()
