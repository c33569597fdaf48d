"""How a command speaks with the running daemon: one UDP socket, OSC both ways."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

from pythonosc.osc_message import OscMessage, ParseError
from pythonosc.osc_message_builder import BuildError, OscMessageBuilder

from bridge import config
from bridge.errors import BadArgument, NoAnswer

ANSWER_S = 2.0  # a daemon on this machine answers within milliseconds
MAX_DATAGRAM_BYTES = 65_000  # UDP's own limit is 65,507 (RFC 768 over IPv4)


@contextlib.contextmanager
def connected(osc_port: int | None) -> Iterator[socket.socket]:
    """A socket that sends to the daemon's port, and hears only from there. Raises BadArgument."""
    osc = config.load(settings={} if osc_port is None else {"osc.port": osc_port}).osc
    if osc.port == 0:
        raise BadArgument("The daemon's port is needed: --osc-port N (it says it when it starts).")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(osc.host, osc.host)
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as udp:
        try:
            udp.connect((host, osc.port))
        except OSError as error:
            raise BadArgument(f"Nothing can be sent to {host} port {osc.port} ({error.strerror or error}).") from error
        yield udp


def encode(address: str, *values: Any) -> bytes:
    """The datagram of a message. Raises BadArgument."""
    builder = OscMessageBuilder(address)
    for value in values:
        builder.add_arg(value)
    try:
        datagram = builder.build().dgram
    except (BuildError, OverflowError) as error:
        raise BadArgument("This cannot be sent: the prompt is no valid text, or a number is far too large.") from error
    if len(datagram) > MAX_DATAGRAM_BYTES:
        raise BadArgument(f"This cannot be sent: it has {len(datagram):,} bytes. The prompt is far too long.")
    return datagram


def send(udp: socket.socket, datagram: bytes) -> None:
    """Send; that nobody listens is found out by waiting for the answer. Raises BadArgument if the system refuses."""
    try:
        udp.send(datagram)
    except ConnectionRefusedError:
        pass  # nobody listens: the wait for an answer says so
    except OSError as error:
        raise BadArgument(f"This cannot be sent ({error.strerror or error}).") from error


def nobody(udp: socket.socket) -> NoAnswer:
    """The error to raise when no daemon answers."""
    return NoAnswer(f"No Clipbridge answers on port {udp.getpeername()[1]}. Start it with: clipbridge run")


def receive(
    udp: socket.socket, wanted: Callable[[str, list[Any]], bool], timeout_s: float = ANSWER_S
) -> tuple[str, list[Any]] | None:
    """The next message that is wanted as (address, arguments); None if none came in time or nobody is there.

    Whoever else may hold the port can send what he likes: only what a Clipbridge would say should be `wanted`.
    """
    end = time.monotonic() + timeout_s
    while (left := end - time.monotonic()) > 0:
        udp.settimeout(left)
        try:
            message = OscMessage(udp.recv(65_536))
        except (TimeoutError, ConnectionError):
            return None
        except (ParseError, UnicodeDecodeError):
            continue
        if wanted(message.address, list(message)):
            return message.address, list(message)
    return None
