"""A Qt application for the tests of the panel, without a screen. Its widgets are real; tests/panel/screen.py has a real X server."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import pytest

from bridge import config
from tests.harness import STAND_IN, Daemon, environment, skip_or_fail
from tests.panel.fake_daemon import FakeDaemon

if TYPE_CHECKING:
    from PySide6.QtCore import QSettings
    from PySide6.QtWidgets import QApplication, QWidget

    from bridge.panel.link import Link
    from bridge.panel.window import Window

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

WAIT_S = 60.0  # 10,000 rows on a slow machine

Page = TypeVar("Page", bound="QWidget")


class OpenAny(Protocol):
    """Opens a page."""

    def __call__(self, kind: Callable[[Link, QSettings], Page], port: int, height: int) -> Page: ...


Wait = Callable[[Callable[[], object]], None]


@pytest.fixture(scope="session")
def application() -> Iterator[QApplication]:
    """The one QApplication of this process."""
    try:
        from PySide6.QtWidgets import QApplication
    except ImportError as error:
        skip_or_fail(f"PySide6-Essentials, or a library of the system that Qt needs, is missing ({error})")
    existing = QApplication.instance()
    yield existing if isinstance(existing, QApplication) else QApplication(["clipbridge"])
    # Qt's offscreen platform destroys what was copied after Python has ended, which crashes; with a screen it does not.
    QApplication.clipboard().clear()


@pytest.fixture
def wait(application: QApplication) -> Wait:
    """Run the event loop until a condition holds; fails after WAIT_S seconds."""

    def until(condition: Callable[[], object]) -> None:
        end = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < end, "it did not come true"
            application.processEvents()
            time.sleep(0.002)

    return until


@pytest.fixture(scope="module")
def panel_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with a stand-in engine, which makes clips at once."""
    place: Path = tmp_path_factory.mktemp("panel")
    daemon = Daemon(place / "clips", place / "home", run=STAND_IN)
    yield daemon
    daemon.stop()


Open = Callable[..., "Window"]


@pytest.fixture
def open_window(application: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Open windows; they are closed afterwards."""
    from PySide6.QtCore import QSettings

    from bridge.panel.look import Look
    from bridge.panel.window import Window

    chosen = config.Config(tmp_path / "clips", inbox=config.InboxConfig(str(tmp_path / "inbox")))
    for name, value in environment(tmp_path / "home").items():
        monkeypatch.setenv(name, value)
    opened: list[Window] = []

    def open_(port: int, with_daemon: bool = False) -> Window:
        settings = QSettings(str(tmp_path / "panel.ini"), QSettings.Format.IniFormat)
        osc = config.OscConfig(port=port)
        window = Window(settings, Look(application, settings), replace(chosen, osc=osc))
        opened.append(window)
        window.show()
        window.begin(with_daemon)
        return window

    yield open_
    for window in opened:
        window.close()
        window.deleteLater()


@pytest.fixture
def fake() -> Iterator[FakeDaemon]:
    """A UDP socket that plays the daemon, for messages that a real one does not send."""
    with FakeDaemon() as daemon:
        yield daemon


@pytest.fixture
def open_any(application: QApplication, tmp_path: Path) -> Iterator[OpenAny]:
    """Open a page of this kind and height, linked to a daemon's port."""
    from PySide6.QtCore import QSettings

    from bridge.panel.link import Link

    opened: list[tuple[QWidget, Link]] = []

    def open_(kind: Callable[[Link, QSettings], Page], port: int, height: int) -> Page:
        link = Link("127.0.0.1", port)
        page = kind(link, QSettings(str(tmp_path / "panel.ini"), QSettings.Format.IniFormat))
        page.resize(380, height)
        page.show()
        opened.append((page, link))
        link.start()
        return page

    yield open_
    for page, link in opened:
        link.close()
        page.close()
        page.deleteLater()
