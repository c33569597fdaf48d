"""The OSC socket, and the encoding of messages."""

from __future__ import annotations

import logging
import secrets
import socket
import struct
import sys
from collections.abc import Iterator
from typing import Any

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from bridge.config import OscConfig
from bridge.domain.job import JobId
from bridge.errors import AlreadyRunning, ConfigError, PortTaken
from bridge.system import portable

log = logging.getLogger("clipbridge.osc")

RECEIVE_BUFFER_BYTES = 1 << 20
# Tags that python-osc cannot read, and those of the same layout that it can.
KNOWN_TAGS = bytes.maketrans(b"ScI", b"siT")


class Double(float):
    """A number to send as a 64-bit float."""


class Toggle(int):
    """0 or 1, to send as F or T."""


def exact(job_id: JobId) -> JobId:
    """The id, to be sent with the type it was received with: a number that a 32-bit float cannot hold stays a double."""
    if isinstance(job_id, float):
        try:
            return job_id if struct.unpack("f", struct.pack("f", job_id))[0] == job_id else Double(job_id)
        except OverflowError:
            return Double(job_id)
    return job_id


def encode(address: str, values: tuple[Any, ...]) -> bytes:
    """Encode a message: texts as s, whole numbers as i (h beyond 32 bits), floats as f, Double as d, Toggle as T or F."""
    builder = OscMessageBuilder(address)
    for value in values:
        if isinstance(value, str):
            builder.add_arg(value.replace("\0", "").encode("utf-8", "replace").decode(), "s")
        elif isinstance(value, Toggle):
            builder.add_arg(bool(value))
        elif isinstance(value, int):
            builder.add_arg(value, "i" if -(2**31) <= value < 2**31 else "h")
        else:
            builder.add_arg(value, "d" if isinstance(value, Double) else "f")
    return builder.build().dgram


def decode(datagram: bytes) -> tuple[str, list[Any]]:
    """Address and arguments of a message that has passed the guard. S and c are texts; I is true."""
    start = datagram.find(b"\0,") + 1  # 0 without tags
    end = datagram.index(b"\0", start) if start else 0
    tags = datagram[start:end]
    message = OscMessage(datagram[:start] + tags.translate(KNOWN_TAGS) + datagram[end:])
    return message.address, _with_characters(list(message), iter(tags[1:].decode()))


def _with_characters(values: list[Any], tags: Iterator[str]) -> list[Any]:
    """The values, with a text for each c, which was decoded as a number. `tags`: the tags of the values, and those after them."""
    texts: list[Any] = []
    for tag in tags:
        if tag == "]":
            break
        value = values[len(texts)]
        if tag == "[":
            value = _with_characters(value, tags)
        elif tag == "c":
            value = chr(value) if 0 < value <= sys.maxunicode else ""
        texts.append(value)
    return texts


def bind(config: OscConfig) -> socket.socket:
    """The daemon's socket. Raises AlreadyRunning, PortTaken, ConfigError."""
    try:
        udp, granted = portable.bind_udp(config.host, config.port, RECEIVE_BUFFER_BYTES)
    except OSError as error:
        if portable.is_port_taken(error):
            if _pongs(config):
                raise AlreadyRunning(
                    f"Clipbridge is running already on port {config.port}: use it, or start this one with another --osc-port."
                ) from error
            raise PortTaken(
                f"Another program uses UDP port {config.port}. Close it, or choose another port with --osc-port."
            ) from error
        raise ConfigError(
            f"Clipbridge cannot listen on osc.host {config.host}, port {config.port}: {error.strerror}."
        ) from error
    log.debug("the system granted a receive buffer of %d bytes", granted)
    return udp


def _pongs(config: OscConfig) -> bool:
    """Whether a Clipbridge answers on the port that is in use."""
    token = secrets.token_hex(4)
    host = "127.0.0.1" if config.host == "0.0.0.0" else "::1" if config.host == "::" else config.host
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.sendto(encode("/bridge/ping", (token,)), (host, config.port))
            return probe.recv(4096) == encode("/bridge/pong", (token,))
        except (OSError, struct.error):
            return False
