"""What is sent to a WebSocket, one after the other. A reader that is too slow is dropped: the daemon waits for nobody."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import logging
from typing import Protocol

log = logging.getLogger("clipbridge.http")

MAX_WAITING = 512  # messages; beyond what the system's buffers take


class Socket(Protocol):
    """A WebSocket of aiohttp, as far as it is used here."""

    async def send_bytes(self, data: bytes) -> None: ...

    async def send_str(self, data: str) -> None: ...


class Outbox:
    """The messages that wait for one WebSocket. `transport` is its connection."""

    def __init__(self, socket: Socket, transport: asyncio.Transport) -> None:
        self._socket, self._transport = socket, transport
        self._waiting: collections.deque[bytes | str] = collections.deque()
        self._more = asyncio.Event()
        self._work = asyncio.create_task(self._send_all())

    def put(self, message: bytes | str) -> None:
        """Send a message soon: bytes are OSC, a text is JSON. Never waits."""
        if len(self._waiting) >= MAX_WAITING:
            if not self._transport.is_closing():
                log.info("a WebSocket reads too slowly, and is closed")
                self._transport.abort()
            return
        self._waiting.append(message)
        self._more.set()

    async def close(self) -> None:
        """Send no more."""
        self._work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._work

    async def _send_all(self) -> None:
        with contextlib.suppress(ConnectionError, RuntimeError):  # it is closed
            while True:
                await self._more.wait()
                self._more.clear()
                while self._waiting:
                    message = self._waiting.popleft()
                    if isinstance(message, bytes):
                        await self._socket.send_bytes(message)
                    else:
                        await self._socket.send_str(message)
