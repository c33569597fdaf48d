"""HTTP connections to a box, by the standard library alone. Each job has one of its own, so that closing it ends the job."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from bridge.config import EngineConfig
from bridge.engine.remote.errors import Refused, of_answer, of_connection
from bridge.engine.wire import SILENT_S
from bridge.errors import JobCancelled

CONNECT_S = 5.0
MOST_ANSWER_BYTES = 1_000_000  # of facts and of errors
MOST_TOKEN_CHARACTERS = 4_000
PART_BYTES = 1 << 16  # sent at a time: the limit of time is for a part, because the source of a clip may take minutes


class Connector:
    """Opens connections to the box of a configuration. `name`: its host. One connection is open at a time; `cut` closes it from another
    thread."""

    def __init__(self, config: EngineConfig) -> None:
        url = urlsplit(config.url)
        self.name = url.hostname or ""
        self._port, self._path, self._tls = url.port, url.path or "/", url.scheme == "https"
        self._token_file, self._ca_file = config.token_file, config.ca_file
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_cut = False

    @contextlib.contextmanager
    def request(
        self, method: str, body: bytes = b"", on_sent: Callable[[], None] = lambda: None
    ) -> Iterator[http.client.HTTPResponse]:
        """The answer to a request, if its status is 200. `on_sent` is called after each part of a long body.

        Raises Unreachable, which includes Refused and Busy; what a box says about a wrong request; JobCancelled after `cut`. Inside the
        with block, OSError and HTTPException are the caller's."""
        headers = self._headers()  # files are read again each time: somebody may have put the right one there
        if body:
            headers["content-length"] = str(len(body))
        with self._open() as connection:
            try:
                connection.request(method, self._path, _parts(body, on_sent) if body else None, headers)
                answer = connection.getresponse()
                if answer.status != 200:
                    raise of_answer(self.name, answer.status, answer.read(MOST_ANSWER_BYTES))
            except (OSError, http.client.HTTPException) as error:
                self.check()
                raise of_connection(self.name, error) from error
            yield answer

    def begin(self) -> None:
        """Forget an earlier `cut`: another job begins."""
        with self._lock:
            self._is_cut = False

    def cut(self) -> None:
        """Close the connection now, and let no other be opened until `begin`. Any thread may call it."""
        with self._lock:
            self._is_cut = True
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    # That of TLS, too: its own `shutdown` would change what the reading thread uses.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def check(self) -> None:
        """Raises JobCancelled if the connection was cut."""
        with self._lock:
            if self._is_cut:
                raise JobCancelled("cancelled")

    @contextlib.contextmanager
    def _open(self) -> Iterator[http.client.HTTPConnection]:
        connection = self._new()
        try:
            connection.connect()
            connection.sock.settimeout(SILENT_S)
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise of_connection(self.name, error) from error
        with self._lock:
            self._socket = connection.sock
        try:
            self.check()
            yield connection
        finally:
            with self._lock:
                self._socket = None
            connection.close()

    def _new(self) -> http.client.HTTPConnection:
        if not self._tls:
            return http.client.HTTPConnection(self.name, self._port, timeout=CONNECT_S)
        try:
            context = ssl.create_default_context(cafile=Path(self._ca_file).expanduser() if self._ca_file else None)
        except (OSError, RuntimeError, ssl.SSLError) as error:
            raise Refused(f"engine.ca_file {self._ca_file} cannot be read ({error}).") from error
        return http.client.HTTPSConnection(self.name, self._port, timeout=CONNECT_S, context=context)

    def _headers(self) -> dict[str, str]:
        headers = {"content-type": "application/x-clipbridge", "connection": "close"}
        if not self._token_file:
            return headers
        try:
            token = Path(self._token_file).expanduser().read_text("utf-8").split()[0]
        except (OSError, ValueError, RuntimeError, IndexError) as error:
            raise Refused(f"engine.token_file {self._token_file} cannot be read ({error}).") from error
        if not token.isascii() or not token.isprintable() or len(token) > MOST_TOKEN_CHARACTERS:
            raise Refused(f"engine.token_file {self._token_file} does not hold a token.")
        return headers | {"authorization": f"Bearer {token}"}


def _parts(body: bytes, on_sent: Callable[[], None]) -> Iterator[bytes]:
    for start in range(0, len(body), PART_BYTES):
        yield body[start : start + PART_BYTES]
        on_sent()
