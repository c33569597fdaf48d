"""Real drags with a real mouse, between the panel and programs of other people."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import STAND_IN, Daemon, need
from tests.jack_device import jack
from tests.panel import programs
from tests.panel.screen import Screen, screen
from tests.panel.window import Panel

PATIENCE_S = 40.0
ODD = "50% wet & röhre (take #2).wav"


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


def test_a_clip_that_is_dragged_into_a_file_manager_is_copied(
    panel: Panel, clips: tuple[Daemon, list[str]], tmp_path: Path
) -> None:
    target = tmp_path / "target of the drag"
    target.mkdir()
    manager = programs.pcmanfm(panel.screen, target)
    for path in clips[1]:
        panel.screen.drag(panel.where(path), programs.ON_IT)
        copy, whole = target / Path(path).name, Path(path).read_bytes()
        panel.screen.wait(copy.is_file, f"{path} did not arrive", PATIENCE_S)
        assert copy.read_bytes() == whole == Path(path).read_bytes()
    manager.kill()


def test_a_clip_that_is_dragged_into_audacity_is_opened(panel: Panel, clips: tuple[Daemon, list[str]]) -> None:
    audacity = programs.audacity(panel.screen)
    panel.screen.drag(panel.where(clips[1][1]), programs.ON_IT)
    panel.screen.wait(lambda: Path(ODD).stem in panel.screen.windows(), "the clip did not arrive", PATIENCE_S)
    audacity.kill()


def test_a_clip_that_is_dragged_into_qtractor_is_on_a_track(
    panel: Panel, clips: tuple[Daemon, list[str]], tmp_path: Path
) -> None:
    session = tmp_path / "s.qtr"
    with jack() as server:
        qtractor = programs.qtractor(panel.screen, session, server)
        panel.screen.drag(panel.where(clips[1][0]), programs.ON_IT)
        panel.screen.wait(
            lambda: programs.saved_clips(panel.screen, session) == 1, "the clip did not arrive", PATIENCE_S
        )
        assert Path(clips[1][0]).name in session.read_text()
        qtractor.kill()
        qtractor.wait()


def test_a_clip_that_is_dragged_from_a_file_manager_into_the_panel_fills_in_the_fields(
    panel: Panel, clips: tuple[Daemon, list[str]], tmp_path: Path
) -> None:
    source = tmp_path / "source of the drag"
    source.mkdir()
    dropped = source / ODD
    shutil.copy(clips[1][1], dropped)
    manager = programs.pcmanfm(panel.screen, source)
    panel.screen.drag(programs.FIRST_FILE, panel.where("Clips"))
    panel.screen.click(*panel.where("Fill in the fields"))
    panel.screen.wait(
        lambda: panel.told["texts"].get("Prompt") == "deep warm kick", "the field stays empty", PATIENCE_S
    )
    assert dropped.is_file()
    manager.kill()


def test_a_clip_that_is_dragged_from_the_list_onto_the_form_is_the_source(
    panel: Panel, clips: tuple[Daemon, list[str]]
) -> None:
    panel.screen.drag(panel.where(clips[1][0]), panel.where("Prompt"))
    x, y = panel.where("Source: deep warm kick, 1 s")
    assert panel.where("Prompt")[1] < y < panel.where("Clips")[1] and x > 0
    panel.screen.click(*panel.where("Use no source"))
    panel.screen.wait(lambda: "Source: deep warm kick, 1 s" not in panel.told["places"], "the source stays", PATIENCE_S)
