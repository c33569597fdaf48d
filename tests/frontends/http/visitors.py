"""What connects to the HTTP port in tests: raw requests, and a WebSocket client of our own, written from RFC 6455 and the OSCQuery
proposal, which can also misbehave."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.golden.wire import decode, encode
from tests.harness import Daemon

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


@dataclass(frozen=True)
class Answer:
    """What came back. `status` 0: the connection was closed without an answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Site:
    """A daemon whose HTTP port is open. `token`: of its touch page."""

    daemon: Daemon
    host: str
    port: int
    token: str

    @classmethod
    def of(cls, daemon: Daemon) -> Site:
        opened = daemon.wait_for(lambda line: line["event"] == "web opened")
        link = urlsplit(opened["touch"] or opened["oscquery"])
        return cls(daemon, str(link.hostname), int(link.port or 0), link.fragment)

    def connect(self, own: str = "") -> socket.socket:
        return socket.create_connection((self.host, self.port), 10.0, (own, 0) if own else None)

    def ask(self, request: bytes, wait_s: float = 10.0) -> Answer:
        """Send bytes and read the answer until the end of the connection, or of its body."""
        with self.connect() as peer:
            peer.settimeout(wait_s)
            try:
                peer.sendall(request)
                return _read(peer)
            except ConnectionError:
                return Answer(0, {}, b"")

    def get(self, path: str = "/", method: str = "GET", body: bytes = b"", **headers: str) -> Answer:
        """A well-formed request. A header that is "" is left out; `_` in its name stands for `-`."""
        return self.ask(self.request(path, method, **headers) + body)

    def request(self, path: str, method: str = "GET", **headers: str) -> bytes:
        """The bytes of a request."""
        stated = {"Host": f"{self.host}:{self.port}", "Connection": "close"}
        stated |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in stated.items() if value)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def socket(self, path: str = "/", own: str = "", **headers: str) -> WebSocket:
        """Open a WebSocket. Raises ConnectionRefusedError with the status if it is refused."""
        return WebSocket(self, path, own, headers)

    def page(self, own: str = "") -> WebSocket:
        """A WebSocket as the touch page opens it."""
        origin, protocol = f"http://{self.host}:{self.port}", f"clipbridge, token.{self.token}"
        return self.socket("/touch/socket", own, Origin=origin, Sec_WebSocket_Protocol=protocol)


def _read(peer: socket.socket) -> Answer:
    data = b""
    while b"\r\n\r\n" not in data:
        more = peer.recv(65_536)
        if not more:
            return Answer(0, {}, data)
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        more = peer.recv(65_536)
        if not more:
            break
        body += more
    return Answer(int(first.split()[1]), headers, body)


class WebSocket:
    """A client; `close` 0: it is open."""

    def __init__(self, site: Site, path: str, own: str, headers: dict[str, str]) -> None:
        self._peer = site.connect(own)
        self._left = b""
        upgrade = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec_WebSocket_Key": base64.b64encode(os.urandom(16)).decode(),
            "Sec_WebSocket_Version": "13",
        }
        self._peer.sendall(site.request(path, **upgrade | headers))
        answer = _read(self._peer)
        if answer.status != 101:
            self._peer.close()
            raise ConnectionRefusedError(answer.status, answer.body.decode(errors="replace"))
        self._left = answer.body

    def frame(self, kind: int, data: bytes = b"", masked: bool = True, last: bool = True, reserved: int = 0) -> None:
        """Send one frame."""
        head = bytes([(0x80 if last else 0) | reserved | kind])
        mask = 0x80 if masked else 0
        size = len(data)
        if size < 126:
            head += bytes([mask | size])
        elif size < 65_536:
            head += struct.pack(">BH", mask | 126, size)
        else:
            head += struct.pack(">BQ", mask | 127, size)
        key = os.urandom(4) if masked else b""
        body = bytes(byte ^ key[place % 4] for place, byte in enumerate(data)) if masked else data
        self._peer.sendall(head + key + body)

    def send(self, address: str, *values: Any) -> None:
        """Send an OSC message."""
        self.frame(BINARY, encode(address, values))

    def command(self, command: str, path: str) -> None:
        """Send a command of OSCQuery."""
        self.frame(TEXT, json.dumps({"COMMAND": command, "DATA": path}).encode())

    def raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._peer.sendall(data)

    def receive(self, timeout_s: float = 10.0) -> tuple[int, bytes]:
        """The next frame that is no ping. Raises TimeoutError; ConnectionError at the end."""
        end = time.monotonic() + timeout_s
        while True:
            kind, data = self._next(end)
            if kind == PING:
                self.frame(PONG, data)
            elif kind != PONG:
                return kind, data

    def message(self, timeout_s: float = 10.0) -> tuple[str, list[Any]]:
        """The next OSC message."""
        kind, data = self.receive(timeout_s)
        if kind == CLOSE:
            raise ConnectionError(f"closed with {struct.unpack('>H', data[:2])[0] if data else 'no code'}")
        assert kind == BINARY, (kind, data)
        address, _, values = decode(data)
        return address, values

    def until(self, address: str, timeout_s: float = 15.0) -> list[Any]:
        """The values of the next message with this address."""
        end = time.monotonic() + timeout_s
        seen = []
        while (left := end - time.monotonic()) > 0:
            try:
                found, values = self.message(left)
            except TimeoutError:
                break
            if found == address:
                return values
            seen.append((found, values))
        raise AssertionError(f"no {address}, only {seen[-10:]}")

    def closed(self, timeout_s: float = 10.0) -> int:
        """Wait until it is closed; returns the code, 0 without one."""
        end = time.monotonic() + timeout_s
        try:
            while True:
                kind, data = self.receive(max(0.01, end - time.monotonic()))
                if kind == CLOSE:
                    return int(struct.unpack(">H", data[:2])[0]) if data else 0
        except ConnectionError:
            return 0
        finally:
            self.close()

    def close(self) -> None:
        self._peer.close()

    def _next(self, end: float) -> tuple[int, bytes]:
        first, size = self._bytes(2, end)
        size &= 0x7F
        if size == 126:
            (size,) = struct.unpack(">H", self._bytes(2, end))
        elif size == 127:
            (size,) = struct.unpack(">Q", self._bytes(8, end))
        return first & 0x0F, self._bytes(size, end)

    def _bytes(self, count: int, end: float) -> bytes:
        while len(self._left) < count:
            self._peer.settimeout(max(0.01, end - time.monotonic()))
            more = self._peer.recv(65_536)
            if not more:
                raise ConnectionError("the connection has ended")
            self._left += more
        data, self._left = self._left[:count], self._left[count:]
        return data
