"""A box of a few lines on a real socket, which answers as a test says: cut, silent, garbled or slow."""

from __future__ import annotations

import contextlib
import json
import math
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

from bridge.domain.plain import plain
from bridge.engine import wire
from bridge.engine.messages import Cost, Ready
from bridge.engine.needs import Needs
from tests.fake_engine import MODEL

READY = Ready(MODEL, (Cost(0.1, 0.01, 20, 0.5, 2),), Needs(1.0, 1.0, 1 << 62))
FACTS = plain(wire.Facts("0", wire.PROTOCOL, READY))
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-clipbridge\r\ntransfer-encoding: chunked\r\n\r\n"
FINISHED = wire.frame("finished", cost=Cost(0.1, 0.01, 20, 0.5, 2), scores=[], remarks={"heard": "kick"}, highest_bytes=7, unmet=[],
                      in_tempo=False)  # fmt: skip
STEP = wire.frame("step", done=1, units=20)
WAITING = wire.frame("waiting", ahead=1)


def piece(frames: int = 100, take: int = 1) -> bytes:
    """A frame with a piece of a tone."""
    wave = [math.sin(frame / 8) / 2 for frame in range(frames)]
    return wire.frame("piece", struct.pack(f"<{frames}f", *wave), take=take, start_frame=0, channels=1, last=True)


def chunk(data: bytes) -> bytes:
    """A chunk of an HTTP answer; that of b"" ends it."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def whole(status: int, body: bytes) -> bytes:
    """An HTTP answer."""
    return b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n%s" % (status, len(body), body)


def refused(status: int, code: str = "no_model", why: str = "Not now.") -> bytes:
    """An answer that says why not."""
    return whole(status, json.dumps({"code": code, "why": why}).encode())


Script = Callable[["Stub", socket.socket], None]


def says(*parts: bytes) -> Script:
    """Send these, then close the connection."""

    def script(_stub: Stub, connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)

    return script


def streams(*frames: bytes, end: bytes = b"0\r\n\r\n") -> Script:
    """Send the frames as chunks, then `end`."""
    return says(HEAD, *map(chunk, frames), end)


def stays(*parts: bytes) -> Script:
    """Send these, then be silent until the other side closes; `left` is set then."""

    def script(stub: Stub, connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)
        stub.began.set()
        connection.settimeout(30)
        if connection.recv(1) == b"":
            stub.left.set()

    return script


class Stub:
    """`facts`: of GET; `scripts`: one for each POST, the last of them for all further ones."""

    def __init__(self, *scripts: Script, facts: Any = FACTS) -> None:
        self.facts, self._scripts = facts, list(scripts)
        self.began, self.left = threading.Event(), threading.Event()
        self.requests: list[bytes] = []  # the bodies
        self.headers: list[str] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits
        self._server.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            try:
                lines = connection.makefile("rb")
                method, size = lines.readline().split()[0], 0
                while (line := lines.readline()) not in (b"\r\n", b""):
                    self.headers.append(line.decode())
                    if line.lower().startswith(b"content-length:"):
                        size = int(line.split(b":")[1])
                body = lines.read(size)
                if method == b"GET":
                    facts = self.facts
                    connection.sendall(facts if isinstance(facts, bytes) else whole(200, json.dumps(facts).encode()))
                    return
                self.requests.append(body)
                script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
                script(self, connection)
            except OSError:
                pass


def stubs(*scripts: Script, **more: Any) -> Iterator[Stub]:
    """A stub for a with block or a fixture."""
    stub = Stub(*scripts, **more)
    try:
        yield stub
    finally:
        stub.close()
