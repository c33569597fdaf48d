"""A producer's first minute: type words, press Enter, hear the clip, drag it away. With a real screen and a virtual audio device."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.harness import STAND_IN, Daemon
from tests.jack_device import Jack, Recorder, jack
from tests.panel import programs
from tests.panel.screen import Screen, screen
from tests.panel.window import Panel


@pytest.fixture
def shown(tmp_path: Path) -> Iterator[Screen]:
    with screen(tmp_path / "screen") as one:
        yield one


@pytest.fixture
def server() -> Iterator[Jack]:
    with jack() as one:
        yield one


def test_words_that_are_typed_are_heard_as_they_are_in_the_file_that_is_dragged_away(
    shown: Screen, server: Jack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.lend(monkeypatch)
    daemon = Daemon(tmp_path / "clips", tmp_path / "home", "--audio-device", "default", run=STAND_IN)
    target = tmp_path / "target"
    target.mkdir()
    programs.pcmanfm(shown, target)
    panel = Panel(shown, daemon.port)
    recorder = Recorder(server)
    panel.wait_ready()
    shown.click(*panel.where("Prompt"))
    shown.type("deep warm kick")
    shown.key("Return")
    path = Path(daemon.wait_for(lambda line: line["event"] == "done")["path"])
    daemon.wait_for(lambda line: line.get("event") == "audio" and line.get("state") == "open")
    samples = soundfile.read(path, dtype="float32", always_2d=True)[0]
    shown.wait(lambda: _is_in(samples, recorder.heard()), "the clip was not heard", 20)
    shown.drag(panel.where(path.as_posix()), programs.ON_IT)
    copy = target / path.name
    shown.wait(copy.is_file, "the clip did not arrive", 15)
    assert copy.read_bytes() == path.read_bytes()
    recorder.close()
    panel.close()
    daemon.stop()


def _is_in(samples: np.ndarray, heard: np.ndarray) -> bool:
    """Whether all samples were heard, one after the other and as they are."""
    sounding = np.flatnonzero(heard.any(axis=1))
    if not len(sounding):
        return False
    first = sounding[0] - np.flatnonzero(samples.any(axis=1))[0]
    piece = heard[first : first + len(samples)]
    return len(piece) == len(samples) and bool(np.allclose(piece, samples, atol=1e-4))
