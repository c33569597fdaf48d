"""Clips and panes for the tests of the list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import Client
from tests.panel.conftest import Wait

if TYPE_CHECKING:
    from bridge.panel.clip_pane import ClipPane


def make(client: Client, text: str, *keys: Any, seconds: float = 0.1) -> list[str]:
    """Make a clip; the paths of its takes, best first."""
    client.send("/bridge/generate", text, seconds, *keys)
    paths = []
    while True:
        address, values = client.until("/bridge/take", "/bridge/done", "/bridge/failed")
        assert address != "/bridge/failed", values
        if address == "/bridge/take":
            paths.append(values[2])
        else:
            return paths or [values[1]]


@pytest.fixture
def open_pane(tmp_path: Path, wait: Wait) -> Iterator[Callable[[int], ClipPane]]:
    """Open a pane for the daemon on a port; closed at the end."""
    from PySide6.QtCore import QSettings

    from bridge.panel.clip_pane import ClipPane
    from bridge.panel.link import Link

    opened = []

    def open_it(port: int) -> ClipPane:
        link = Link("127.0.0.1", port)
        settings = QSettings(str(tmp_path / "panel.ini"), QSettings.Format.IniFormat)
        settings.setValue("clips/autoplay", "false")
        pane = ClipPane(link, settings)
        opened.append((pane, link))
        pane.resize(420, 560)
        pane.show()
        pane.activateWindow()
        link.start()
        return pane

    yield open_it
    for pane, link in opened:
        pane.close()
        link.close()
        pane.deleteLater()


def paths_of(pane: ClipPane) -> list[str]:
    """The paths of the rows."""
    return [clip.path for clip in pane.model.clips()]


def select(pane: ClipPane, *rows: int) -> None:
    """Select these rows and no others."""
    from PySide6.QtCore import QItemSelectionModel

    pane.view.choose(pane.model.index(rows[0]), quietly=True)
    for row in rows[1:]:
        pane.view.selectionModel().select(pane.model.index(row), QItemSelectionModel.SelectionFlag.Select)
