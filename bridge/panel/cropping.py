"""Asks the daemon for a part of a clip as a file of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from bridge.domain.limits import MAX_PATH_CHARACTERS
from bridge.errors import BadArgument
from bridge.panel.link import ABSENT, Link

ANSWER_MS = 10_000


class Cropping(QObject):
    """`said(sentence)`: why there is no part."""

    said = Signal(str)

    def __init__(self, link: Link, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._link = link
        self._path = ""
        self._use: Callable[[str], None] = _ignore
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(ANSWER_MS)
        self._timer.timeout.connect(lambda: self._fail("The daemon did not answer; the part may be in the list later."))
        link.received.connect(self._on_message)

    def crop(self, path: str, from_s: float, to_s: float, use: Callable[[str], None]) -> None:
        """Ask for the part of the clip between two times, then call `use` with the path of the new file."""
        if self._link.state == ABSENT:
            self.said.emit("Clipbridge is not running, so no part can be cut out.")
            return
        try:
            self._link.send("/bridge/crop", path, float(from_s), float(to_s))
        except BadArgument as error:
            self.said.emit(str(error))
            return
        self._path, self._use = path, use
        self._timer.start()

    def _on_message(self, address: str, arguments: list[Any]) -> None:
        match address, arguments:
            case "/bridge/cropped", [str(path), str(new), *_] if (
                path == self._path and 0 < len(new) < MAX_PATH_CHARACTERS
            ):
                use, self._path, self._use = self._use, "", _ignore
                self._timer.stop()
                use(new)
            case "/bridge/error", ["/bridge/crop", str(), str(why), *_] if self._path:
                self._fail(why)

    def _fail(self, why: str) -> None:
        self._path, self._use = "", _ignore
        self._timer.stop()
        self.said.emit(why)


def _ignore(_path: str) -> None: ...
