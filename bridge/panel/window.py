"""The window: state line, the form, jobs, the pages, the status line."""

from __future__ import annotations

import importlib

from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QCloseEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QMainWindow, QTabWidget, QVBoxLayout, QWidget

from bridge import __version__, config
from bridge.panel import place
from bridge.panel.link import Link
from bridge.panel.look import Look
from bridge.panel.state_line import StateLine
from bridge.panel.text_line import TextLine

PAGES = (
    ("Clips", "bridge.panel.clip_pane", "ClipPane"),
    ("Pads", "bridge.panel.pads_page", "PadsPage"),
    ("Kit", "bridge.panel.kit_page", "KitPage"),
)


class Window(QMainWindow):
    """The panel's window. It is shown before its pages are loaded; `begin` does the rest."""

    def __init__(self, link: Link, settings: QSettings, look: Look, chosen: config.Config) -> None:
        super().__init__()
        self._link, self._settings, self._look, self._config = link, settings, look, chosen
        self.setWindowTitle("Clipbridge")
        self.state_line = StateLine(link)
        self.pages = QTabWidget()
        self.pages.setDocumentMode(True)
        self.pages.setAccessibleName("Pages")
        self.status = TextLine()
        self.status.setAccessibleName("Status")
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(6, 6, 6, 4)
        column.setSpacing(4)
        column.addWidget(self.state_line)
        column.addWidget(self.pages, 1)
        column.addWidget(self.status)
        self.setCentralWidget(middle)
        self.setMinimumSize(240, 160)
        place.restore(self, settings)
        self.state_line.stop_wanted.connect(self.silence)
        QShortcut(QKeySequence(Qt.Key.Key_Escape), self, self.silence)
        link.connected.connect(lambda: link.send("/bridge/version"))
        link.received.connect(self._on_message)

    def begin(self, with_daemon: bool) -> None:
        """Load the pages and look for the daemon, once the window is on screen."""
        for name, module, kind in PAGES:
            self._add_page(name, module, kind)
        self._link.start()

    def say(self, sentence: str) -> None:
        """Show a sentence in the status line."""
        self.status.setText(sentence)

    def silence(self) -> None:
        """Stop everything that sounds."""
        self._link.send("/bridge/stop")

    def closeEvent(self, event: QCloseEvent) -> None:
        place.save(self, self._settings)
        super().closeEvent(event)

    def _add_page(self, name: str, module: str, kind: str) -> None:
        try:
            page = getattr(importlib.import_module(module), kind)(self._link, self._settings)
        except ModuleNotFoundError:
            return  # not built yet
        page.said.connect(self.say)
        self.pages.addTab(page, name)

    def _on_message(self, address: str, arguments: list[object]) -> None:
        match address, arguments:
            case "/bridge/version", [str(version), *_] if version != __version__:
                self.say(
                    f"Clipbridge {version[:20]} is running, and this window is of version {__version__}: "
                    "stop Clipbridge and start it again, so that both are the same."
                )
            case "/bridge/error", [str(address), "unknown_address", *_]:
                self.say(
                    f"This Clipbridge is older than the panel: it does not know {address[:60]}. Update and start it again."
                )
            case "/bridge/error", [str(), str(), str(why), *_]:
                self.say(why)
