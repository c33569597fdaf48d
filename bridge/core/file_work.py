"""Work on audio files that somebody names, for the shaper process. One request at a time is with it, so that no clip waits for more."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bridge.core.shaper_link import FileMessage
from bridge.errors import BadArgument, ClipbridgeError, ShaperLost
from bridge.shaper import messages

MAX_WAITING = 32


@dataclass(frozen=True, slots=True)
class _Request:
    """`message` for the shaper; then either `answer` is called with the facts, or `refuse`."""

    message: FileMessage
    answer: Callable[[dict[str, Any]], None]
    refuse: Callable[[ClipbridgeError], None]


class FileWork:
    """`send` hands a message to the shaper process, which answers each."""

    def __init__(self, send: Callable[[FileMessage], None]) -> None:
        self._send = send
        self._requests: deque[_Request] = deque()  # the first is with the shaper
        self._number = 0
        self._fault = ""

    @property
    def busy(self) -> bool:
        """Whether the shaper has a request."""
        return bool(self._requests)

    def measure(
        self,
        file: Path,
        bpm: float,
        answer: Callable[[dict[str, Any]], None],
        refuse: Callable[[ClipbridgeError], None],
    ) -> None:
        """Measure a file (see shaper.measure), then call one of the two. Raises BadArgument, ShaperLost."""
        self._add(_Request(messages.Measure(0, str(file), bpm), answer, refuse))

    def crop(
        self,
        file: Path,
        part: tuple[float, float],
        answer: Callable[[dict[str, Any]], None],
        refuse: Callable[[ClipbridgeError], None],
    ) -> None:
        """Write a part of a file, in seconds, into a new one (see shaper.crop), then call one of the two. Raises BadArgument,
        ShaperLost."""
        self._add(_Request(messages.CropFile(0, str(file), *part), answer, refuse))

    def ask(
        self,
        message: messages.InspectSource | messages.Keep,
        answer: Callable[[dict[str, Any]], None],
        refuse: Callable[[ClipbridgeError], None],
    ) -> None:
        """Inspect a source (see shaper.source), or write what sounded into the folder; then call one of the two. Raises BadArgument,
        ShaperLost."""
        self._add(_Request(message, answer, refuse))

    def _add(self, request: _Request) -> None:
        if self._fault:
            raise ShaperLost(self._fault)
        if len(self._requests) >= MAX_WAITING:
            raise BadArgument(f"{MAX_WAITING} files are waiting to be read; ask again later.")
        self._number += 1
        self._requests.append(replace(request, message=replace(request.message, number=self._number)))
        if len(self._requests) == 1:
            self._send(self._requests[0].message)

    def on_done(self, done: messages.FileDone) -> None:
        """The shaper's answer to the first request."""
        if not self._requests or self._requests[0].message.number != done.number:
            return
        request = self._requests.popleft()
        if self._requests:
            self._send(self._requests[0].message)
        if done.error is None:
            request.answer(done.facts)
        else:
            request.refuse(done.error)

    def lose(self, reason: str, given_up: bool = False) -> None:
        """Refuse all requests: the process is gone. `given_up`: later ones, too."""
        self._fault = (
            f"The process that reads files stopped ({reason}); /bridge/restart starts it again." if given_up else ""
        )
        requests = list(self._requests)
        self._requests.clear()
        for request in requests:
            request.refuse(ShaperLost(f"The process that reads files stopped ({reason}). Ask again."))
