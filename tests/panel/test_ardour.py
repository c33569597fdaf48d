"""A real drag into Ardour, on a screen of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.harness import STAND_IN, Daemon
from tests.panel import programs
from tests.panel.screen import screen
from tests.panel.window import Panel

PATIENCE_S = 40.0  # it imports slowly on busy cores


@pytest.mark.soak
@pytest.mark.skipif(shutil.which("ardour") is None, reason="Ardour is too large to be installed for every run")
def test_a_clip_that_is_dragged_into_ardour_is_in_its_session(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path / "clips", tmp_path / "home", run=STAND_IN)
    client = daemon.client()
    client.send("/bridge/generate", "deep warm kick", 1.0, "id", 1)
    clip = Path(client.end_of(1)[1][1])
    session = tmp_path / "song"
    with screen(tmp_path / "screen") as shown:
        panel = Panel(shown, daemon.port)
        ardour = programs.ardour(shown, session)
        shown.drag(panel.where(clip.as_posix()), programs.ON_IT)
        shown.wait(
            lambda: programs.clips_in_ardour(shown, session) == [clip.name], "the clip did not arrive", PATIENCE_S
        )
        ardour.kill()
        ardour.wait()
        panel.close()
    daemon.stop()
