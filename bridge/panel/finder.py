"""Searches of the library over OSC, one at a time. UDP may lose parts of an answer: then it asks again."""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from bridge.client import pairs
from bridge.errors import BadArgument
from bridge.panel.clips import Clip, clip_of
from bridge.panel.link import ABSENT, Link

PAGE = 50  # clips; the most that /bridge/find sends
ANSWER_MS = 1_500
ATTEMPTS = 4
MOST_CLIPS = 10_000_000  # of a library: more is no answer of a daemon


@dataclass(slots=True)
class Page:
    """A part of the clips that match a search. `total`: the number of all that match."""

    offset: int
    clips: list[Clip]
    total: int


@dataclass(slots=True)
class _Ask:
    arguments: list[Any]
    offset: int
    use: Callable[[Page], None]
    attempts: int = 0
    id: str = ""
    count: int = -1  # until the daemon has said it
    total: int = 0
    clips: dict[str, Clip] = field(default_factory=dict)


class Finder(QObject):
    """Asks for pages of clips. `failed(why)`: the daemon cannot search, or did not answer several times."""

    failed = Signal(str)

    def __init__(self, link: Link, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._link = link
        self._asks: deque[_Ask] = deque()
        self._name, self._numbers = f"clips {os.getpid()} {id(self)}", itertools.count(1)
        self._timer = QTimer(self, singleShot=True, interval=ANSWER_MS)
        self._timer.timeout.connect(self._send)
        link.received.connect(self._on_message)

    @property
    def is_busy(self) -> bool:
        """Whether an answer is expected."""
        return bool(self._asks)

    def clear(self) -> None:
        """Forget all asks; their answers are ignored."""
        self._asks.clear()
        self._timer.stop()

    def ask(self, arguments: list[Any], offset: int, use: Callable[[Page], None]) -> None:
        """Ask for the page from `offset` on of the search that `arguments` of /bridge/find describe, then call `use`."""
        self._asks.append(_Ask([*arguments, "offset", offset, "limit", PAGE], offset, use))
        if len(self._asks) == 1:
            self._send()

    def _send(self) -> None:
        """Send the first ask, perhaps again, under a name of its own: late answers to the last attempt are ignored."""
        if self._link.state == ABSENT:
            self.clear()  # once it is back, the list is loaded again
            return
        ask = self._asks[0]
        if ask.attempts == ATTEMPTS:
            self._fail("The daemon does not answer a search of the library.")
            return
        ask.attempts += 1
        ask.id, ask.count, ask.clips = f"{self._name} {next(self._numbers)}", -1, {}
        try:
            self._link.send("/bridge/find", *ask.arguments, "id", ask.id)
        except BadArgument as error:
            self._fail(str(error))
            return
        self._timer.start()

    def _on_message(self, address: str, arguments: list[Any]) -> None:
        if not self._asks:
            return
        ask = self._asks[0]
        match address, arguments:
            case "/bridge/error", ["/bridge/find", str(), str(why), *_]:
                self._fail(why)
                return
            case "/bridge/found", [int(count), *_] if pairs(arguments, 1).get("id") == ask.id:
                total = pairs(arguments, 1).get("total")
                ask.count, ask.total = count, min(max(0, total if isinstance(total, int) else count), MOST_CLIPS)
            case "/bridge/clip", [str(path), *_] if pairs(arguments, 1).get("id") == ask.id:
                if (clip := clip_of(arguments)) is None:
                    ask.count -= 1  # nothing to show; it is not lost either
                else:
                    ask.clips[path] = clip
            case _:
                return
        self._timer.start()
        if 0 <= ask.count <= len(ask.clips):
            self._next()
            ask.use(Page(ask.offset, list(ask.clips.values()), ask.total))

    def _fail(self, why: str) -> None:
        self.clear()
        self.failed.emit(why)

    def _next(self) -> None:
        self._asks.popleft()
        self._timer.stop()
        if self._asks:
            self._send()
