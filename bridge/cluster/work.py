"""Work: one prompt of a front, from the moment it is accepted to its last frame."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from bridge.domain.clip import Prompt
from bridge.engine.wire import ALIVE_S, frame


class Work:
    """`serial` is the box's own and unique. `source`: the file that was written for it, if any. Frames are added on the event loop and
    read there by one reader. `held`: bytes that it has not read yet."""

    def __init__(self, serial: int, prompt: Prompt, source: Path | None = None) -> None:
        self.serial, self.prompt, self.source = serial, prompt, source
        self.ahead, self.held = 0, 0  # jobs that come first
        self.begun = self.ended = False
        self._done = 0
        self._frames: asyncio.Queue[bytes | None] = asyncio.Queue()

    def step(self, done: int) -> None:
        """`done` of the prompt's units are complete."""
        self.begun, self._done = True, done
        self._frames.put_nowait(self._alive())

    def add(self, data: bytes) -> None:
        """Send samples."""
        self.held += len(data)
        self._frames.put_nowait(data)

    def end(self, last: bytes | None) -> None:
        """Send the last frame, `finished` or `broken`; None cuts the stream without one, for what has not begun."""
        if not self.ended:
            self.ended = True
            if last is not None:
                self._frames.put_nowait(last)
            self._frames.put_nowait(None)

    def drop(self, last: bytes) -> None:
        """Forget what was not read, and end with this frame."""
        while not self._frames.empty():
            self._frames.get_nowait()
        self.held, self.ended = 0, False
        self.end(last)

    async def frames(self) -> AsyncIterator[bytes]:
        """Every frame as it comes, and between them a sign of life every ALIVE_S seconds. The first one comes at once."""
        yield self._alive()
        while True:
            try:
                data = await asyncio.wait_for(self._frames.get(), ALIVE_S)
                self.held = max(0, self.held - len(data or b""))
            except TimeoutError:
                data = self._alive()
            if data is None:
                return
            yield data

    def _alive(self) -> bytes:
        if self.begun:
            return frame("step", done=self._done, units=self.prompt.units)
        return frame("waiting", ahead=self.ahead)
