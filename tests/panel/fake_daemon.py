"""A UDP socket that plays the daemon, for what no daemon without an audio device says, and for floods."""

from __future__ import annotations

import contextlib
import socket
from typing import Any, Self

from bridge import client

QUIET = ("/bridge/subscribe", "/bridge/unsubscribe", "/bridge/ping")


class FakeDaemon:
    """`heard`: the messages that reached it, without those of the link. It says to the panel whatever a test wants."""

    def __init__(self, port: int = 0) -> None:
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._udp.bind(("127.0.0.1", port))
        self._udp.setblocking(False)
        self.port = int(self._udp.getsockname()[1])
        self._panel: tuple[str, int] | None = None
        self._heard: list[tuple[str, list[Any]]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._udp.close()

    @property
    def heard(self) -> list[tuple[str, list[Any]]]:
        """All messages so far; a subscription is answered."""
        with contextlib.suppress(BlockingIOError):
            while True:
                datagram, self._panel = self._udp.recvfrom(65_536)
                message = client.decode(datagram)
                assert message is not None
                if message[0] == "/bridge/subscribe":
                    self.say("/bridge/state", "ready", "")
                if message[0] not in QUIET:
                    self._heard.append(message)
        return self._heard

    def say(self, address: str, *values: Any) -> None:
        """Send a message to the panel."""
        assert self._panel is not None, "the panel has not been heard yet"
        self._udp.sendto(client.encode(address, *values), self._panel)
