"""The bounded check of a datagram before anything else touches it.

python-osc 1.10.2 hangs for ever on a bundle element of size −4, recurses without bound, leaks UnicodeDecodeError,
shifts arguments behind an unknown type tag and reads a truncated float as 0.0. A datagram that passes causes none of that.
Everything below is one pass over the bytes; nothing blocks, and no pattern is matched.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from bridge.errors import Malformed

MAX_DEPTH = 8
MAX_MESSAGES = 128
MAX_TAGS = 256
MAX_ADDRESS_BYTES = 255
SECONDS_1900_TO_1970 = 2_208_988_800
OURS = b"/bridge/"
BUNDLE = b"#bundle\0"
UNDERSTOOD = "i, h, f, d, s, S, c, b, t, r, m, T, F, N, I and [ ]"  # the type tags, for a sentence

# Type tag → bytes that its argument takes. `s`, `S` and `b` carry their own length; [ and ] have none.
SIZES = {"i": 4, "f": 4, "r": 4, "m": 4, "c": 4, "h": 8, "d": 8, "t": 8, "T": 0, "F": 0, "N": 0, "I": 0}


class Message(NamedTuple):
    """A single well-formed message. `time_tag`: of its bundle, in seconds since 1970; 0 for "at once"."""

    data: bytes
    time_tag: float


class Checked(NamedTuple):
    """`messages`: in order. `faults`: (address, why) of malformed messages to /bridge/…; the address is "" if it could not
    be read, and then no answer may be sent."""

    messages: list[Message]
    faults: list[tuple[str, str]]


def check(datagram: bytes) -> Checked:
    """Split a datagram into well-formed messages. Never raises; takes time in proportion to its length.

    Messages to addresses outside /bridge/ belong to other programs and are dropped silently.
    """
    checked = Checked([], [])
    _element(datagram, 0, checked, 0.0)
    return checked


def _element(data: bytes, depth: int, checked: Checked, time_tag: float) -> None:
    if data.startswith(BUNDLE):
        _bundle(data, depth, checked)
    elif data.startswith(OURS):
        address = ""
        try:
            address, position = _address(data)
            _arguments(data, position)
            if len(checked.messages) >= MAX_MESSAGES:
                raise Malformed(f"A bundle may hold {MAX_MESSAGES} messages; the rest was not read.")
        except Malformed as fault:
            if len(checked.faults) < MAX_MESSAGES:
                checked.faults.append((address, str(fault)))
        else:
            checked.messages.append(Message(data, time_tag))


def _bundle(data: bytes, depth: int, checked: Checked) -> None:
    position = 16  # "#bundle\0" and an 8-byte time tag
    time_tag = _seconds(data[8:16])
    while position < len(data) and depth < MAX_DEPTH and len(checked.messages) < MAX_MESSAGES:
        if position + 4 > len(data):
            break
        (size,) = struct.unpack_from(">i", data, position)
        position += 4
        if size <= 0 or size % 4 or position + size > len(data):
            # Earlier messages are still served. No answer is sent: there is no address, and the sender of a broken bundle may
            # be answering us.
            checked.faults.append(("", "A bundle element has an impossible size."))
            break
        _element(data[position : position + size], depth + 1, checked, time_tag)
        position += size


def _seconds(tag: bytes) -> float:
    """Seconds since 1970 from an NTP time stamp (seconds since 1900, and their 2**32nd parts); 0 for "at once"."""
    whole, parts = struct.unpack(">II", tag.ljust(8, b"\0"))
    return 0.0 if (whole, parts) in ((0, 1), (0, 0)) else whole - SECONDS_1900_TO_1970 + parts / 2**32


def _address(data: bytes) -> tuple[str, int]:
    end = data.find(b"\0", 0, MAX_ADDRESS_BYTES + 1)
    if end < 0:
        raise Malformed("The address does not end.")
    if any(byte < 0x21 or byte > 0x7E for byte in data[:end]):
        raise Malformed("The address has characters that are not printable ASCII.")
    return data[:end].decode("ascii"), _padded(data, end)


def _padded(data: bytes, end: int) -> int:
    """The position after a string that ends (with its NUL) at `end`, padded to a multiple of four."""
    position = (end | 3) + 1
    if position > len(data):
        raise Malformed("A text is not padded to a multiple of four bytes.")
    return position


def _arguments(data: bytes, position: int) -> None:
    if position == len(data):
        return  # old senders may leave out the type tags of a message without arguments
    if data[position : position + 1] != b",":
        raise Malformed("The type tags are missing: an OSC message needs them when it has arguments.")
    end = data.find(b"\0", position, position + MAX_TAGS + 2)
    if end < 0:
        raise Malformed(f"There are more than {MAX_TAGS} arguments, or the type tags do not end.")
    tags, position, open_arrays = data[position + 1 : end].decode("latin-1"), _padded(data, end), 0
    for tag in tags:
        if tag in "sS":
            end = data.find(b"\0", position)
            if end < 0:
                raise Malformed("A text does not end.")
            try:
                data[position:end].decode("utf-8")
            except UnicodeDecodeError:
                raise Malformed("A text is not UTF-8. Send it as UTF-8 or plain ASCII.") from None
            position = _padded(data, end)
        elif tag == "b":
            if position + 4 > len(data):
                raise Malformed("The message ends within a blob.")
            (size,) = struct.unpack_from(">i", data, position)
            position += 4 + (size + 3 & ~3)
            if size < 0 or position > len(data):
                raise Malformed("A blob is longer than its message.")
        elif tag in "[]":
            open_arrays += 1 if tag == "[" else -1
            if not 0 <= open_arrays <= MAX_DEPTH:
                raise Malformed("The brackets in the type tags do not match.")
        elif tag in SIZES:
            position += SIZES[tag]
            if position > len(data):
                raise Malformed(f"The message ends within an argument of type {tag!r}.")
        else:
            raise Malformed(f"There is no argument type {tag!r}; {UNDERSTOOD} are understood.")
    if open_arrays:
        raise Malformed("The brackets in the type tags do not match.")
    if position != len(data):
        raise Malformed("There are bytes behind the last argument: the type tags do not fit the arguments.")
