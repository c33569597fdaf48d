"""The OSC client: sends messages to a daemon, waits for answers, follows a job or a kit to its end.

Commands, tests and bench use it. Another program may hold the daemon's port and send anything, so callers say what they accept.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

from pythonosc.osc_message import OscMessage, ParseError
from pythonosc.osc_message_builder import BuildError, OscMessageBuilder

from bridge import config
from bridge.errors import BadArgument, NoAnswer

ANSWER_S = 2.0  # a daemon on this machine answers within milliseconds
ASK_AGAIN_S = 5.0  # without an event of a job: the last one may be lost
POLL_S = 0.25  # the interval of `check` while nothing comes
MAX_DATAGRAM_BYTES = 65_000  # UDP's own limit is 65,507 (RFC 768 over IPv4)
RECEIVE_BYTES = 65_536

Message = tuple[str, list[Any]]  # address and arguments
Accept = Callable[[str, list[Any]], bool]


@dataclass(frozen=True, slots=True)
class Follow:
    """How to follow a job or a kit to its end. `counts`: the kinds of events (the last part of the address), each with its least
    number of arguments; `ends`: the last kinds; `repeat`: the address that requests the last event again."""

    prefix: str
    counts: dict[str, int]
    ends: tuple[str, ...]
    repeat: str
    repeat_names_it: bool


JOB = Follow(
    "/bridge/",
    {"queued": 3, "progress": 2, "take": 4, "done": 3, "failed": 3, "cancelled": 1},
    ("done", "failed", "cancelled"),
    "/bridge/job",
    repeat_names_it=True,
)
KIT = Follow(
    "/bridge/kit/",
    {"queued": 2, "sound": 4, "progress": 3, "done": 4, "failed": 3},
    ("done", "failed"),
    "/bridge/kits",
    repeat_names_it=False,
)

LEARN = Follow(
    "/bridge/learn/",
    {"begun": 2, "reading": 3, "skipped": 3, "read": 3, "progress": 2, "clip": 2, "done": 2, "failed": 3},
    ("done", "failed"),
    "/bridge/learning",
    repeat_names_it=False,
)


def connect(osc_port: int | None = None) -> Client:
    """A client of the daemon on that port, or on the configured one. Raises BadArgument, ConfigError."""
    osc = config.load_with_port(osc_port).osc
    return Client(osc.port, reachable(osc.host))


def reachable(host: str) -> str:
    """The address at which a daemon that listens on `host` is reached from this machine."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


class Client:
    """A UDP socket that sends to a daemon's port. A context manager. Raises BadArgument if nothing can be sent to `host`.
    `own`: the address to send from, "" for any. `connected`: it receives only from that port, and notices if nothing listens."""

    def __init__(self, port: int, host: str = "127.0.0.1", own: str = "", connected: bool = True) -> None:
        self.daemon, self._connected = (host, port), connected
        self.udp = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        try:
            if own:
                self.udp.bind((own, 0))
            if connected:
                self.udp.connect(self.daemon)
        except OSError as error:
            self.udp.close()
            raise BadArgument(f"Cannot send to {host} port {port} ({error.strerror or error}).") from error
        self.port = int(self.udp.getsockname()[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket."""
        self.udp.close()

    def send(self, address: str, *values: Any) -> None:
        """Send a message. Raises BadArgument if it cannot be sent. If nothing listens, there is no error and no answer."""
        self.raw(encode(address, *values))

    def raw(self, datagram: bytes) -> None:
        """Send bytes. Raises BadArgument if the system refuses."""
        try:
            if self._connected:
                self.udp.send(datagram)
            else:
                self.udp.sendto(datagram, self.daemon)
        except ConnectionRefusedError:
            pass
        except OSError as error:
            raise BadArgument(f"This cannot be sent ({error.strerror or error}).") from error

    def receive(self, timeout_s: float = ANSWER_S) -> Message:
        """The next message. Raises TimeoutError; ConnectionError if nothing listens."""
        end = time.monotonic() + timeout_s
        while (left := end - time.monotonic()) > 0:
            self.udp.settimeout(left)
            if (message := decode(self.udp.recv(RECEIVE_BYTES))) is not None:
                return message
        raise TimeoutError

    def wait_for(self, accept: Accept, timeout_s: float = ANSWER_S) -> Message | None:
        """The next accepted message; others are dropped. None if none comes in time or nothing listens."""
        end = time.monotonic() + timeout_s
        while (left := end - time.monotonic()) > 0:
            try:
                address, values = self.receive(left)
            except (TimeoutError, ConnectionError):
                return None
            if accept(address, values):
                return address, values
        return None

    def ask_for(
        self, address: str, *values: Any, answer: str = "", accept: Accept | None = None, timeout_s: float = ANSWER_S
    ) -> Message | None:
        """Send a message and return its answer: an accepted message with the same address (or `answer`), or the /bridge/error
        about it (address, code, why). None if neither comes in time."""

        def is_answer(received: str, arguments: list[Any]) -> bool:
            if received == "/bridge/error":
                return arguments[:1] == [address] and len(arguments) == 3
            return received == (answer or address) and (accept is None or accept(received, arguments))

        self.send(address, *values)
        return self.wait_for(is_answer, timeout_s)

    def follow(self, how: Follow, name: Any, check: Callable[[], None] | None = None) -> Iterator[Message]:
        """The events of a requested job or kit as (kind, arguments), to the last one. If none comes, the last one is requested
        again. `check` is called every POLL_S seconds; it may raise to end this. Raises NoAnswer."""

        def is_event(address: str, values: list[Any]) -> bool:
            kind = address.removeprefix(how.prefix)
            known = address.startswith(how.prefix) and kind in how.counts
            return known and len(values) >= how.counts[kind] and values[0] == name

        heard, asked_again = False, False
        while True:
            event = self._wait_checking(is_event, ASK_AGAIN_S if heard else ANSWER_S, check)
            if event is None:
                if asked_again or not heard:
                    raise self.no_answer()
                self.send(how.repeat, *([name] if how.repeat_names_it else []))
                asked_again = True
                continue
            heard, asked_again = True, False
            kind = event[0].removeprefix(how.prefix)
            yield kind, event[1]
            if kind in how.ends:
                return

    def _wait_checking(self, accept: Accept, timeout_s: float, check: Callable[[], None] | None) -> Message | None:
        if check is None:
            return self.wait_for(accept, timeout_s)
        end = time.monotonic() + timeout_s
        while (left := end - time.monotonic()) > 0:
            check()
            if (message := self.wait_for(accept, min(left, POLL_S))) is not None:
                return message
        return None

    def no_answer(self, command: str = "clipbridge run") -> NoAnswer:
        """The error to raise when no daemon answers; `command` starts one."""
        if self.daemon[1] != config.DEFAULT_OSC_PORT:
            command += f" --osc-port {self.daemon[1]}"
        return NoAnswer(f"No Clipbridge answers on port {self.daemon[1]}. Start it with: {command}")


def encode(address: str, *values: Any) -> bytes:
    """The datagram of a message. Raises BadArgument."""
    builder = OscMessageBuilder(address)
    for value in values:
        builder.add_arg(value)
    try:
        datagram = builder.build().dgram
    except (BuildError, OverflowError) as error:
        raise BadArgument("This cannot be sent: the prompt is not valid text, or a number is too large.") from error
    if len(datagram) > MAX_DATAGRAM_BYTES:
        raise BadArgument(f"This cannot be sent: it has {len(datagram):,} bytes. The prompt is too long.")
    return datagram


def decode(datagram: bytes) -> Message | None:
    """Address and arguments of a datagram; None if it is not an OSC message."""
    try:
        message = OscMessage(datagram)
    except (ParseError, UnicodeDecodeError):
        return None
    return message.address, list(message)


def pairs(values: list[Any], start: int) -> dict[str, Any]:
    """The `key value` part of a reply, from the argument number `start` on, without keys that are not text."""
    return {
        key: value for key, value in zip(values[start::2], values[start + 1 :: 2], strict=False) if isinstance(key, str)
    }
