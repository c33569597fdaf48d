"""OSC datagrams without a library, so that the requests decide each type tag."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Double:
    """A number that is sent as a 64-bit float."""

    value: float


@dataclass(frozen=True, slots=True)
class Long:
    """A whole number that is sent in 64 bits."""

    value: int


def encode(address: str, values: tuple[Any, ...]) -> bytes:
    """A message: int i (h beyond 32 bits), float f, str s, bytes b, True T, False F, None N, a list [ ]."""
    tags, data = ",", b""
    for value in values:
        tag, part = _argument(value)
        tags, data = tags + tag, data + part
    return _text(address) + _text(tags) + data


def _argument(value: Any) -> tuple[str, bytes]:
    if value is None or isinstance(value, bool):
        return {None: "N", True: "T", False: "F"}[value], b""
    if isinstance(value, list):
        parts = [_argument(one) for one in value]
        return "[" + "".join(tag for tag, _ in parts) + "]", b"".join(part for _, part in parts)
    if isinstance(value, str):
        return "s", _text(value)
    if isinstance(value, bytes):
        return "b", struct.pack(">i", len(value)) + value + b"\0" * (-len(value) % 4)
    if isinstance(value, float):
        return "f", struct.pack(">f", value)
    if isinstance(value, Double):
        return "d", struct.pack(">d", value.value)
    if isinstance(value, Long) or not -(2**31) <= value < 2**31:
        return "h", struct.pack(">q", value.value if isinstance(value, Long) else value)
    return "i", struct.pack(">i", value)


def _text(text: str) -> bytes:
    data = text.encode() + b"\0"
    return data + b"\0" * (-len(data) % 4)


def bundle(*elements: bytes, tag: bytes = b"\0\0\0\0\0\0\0\1") -> bytes:
    """A bundle of messages, to be executed at once unless `tag` is another time."""
    return b"#bundle\0" + tag + b"".join(struct.pack(">i", len(element)) + element for element in elements)


def decode(data: bytes) -> tuple[str, str, list[Any]]:
    """Address, type tags, values; no bytes may remain. 32-bit floats are rounded to seven digits, blobs become hex."""
    address, position = _read_text(data, 0)
    tags, position = _read_text(data, position)
    assert tags[:1] == ",", (address, tags)
    values: list[Any] = []
    value: Any
    for tag in tags[1:]:
        if tag == "s":
            value, position = _read_text(data, position)
        elif tag == "b":
            (size,) = struct.unpack_from(">i", data, position)
            value, position = data[position + 4 : position + 4 + size].hex(), position + 4 + (size + 3 & ~3)
        elif tag in "[]":
            continue
        elif tag in "TFN":
            value = {"T": True, "F": False, "N": None}[tag]
        else:
            kind = {"i": ">i", "f": ">f", "h": ">q", "d": ">d"}[tag]
            (value,) = struct.unpack_from(kind, data, position)
            position += struct.calcsize(kind)
            if tag in "fd":
                value = _short(value, tag)
        values.append(value)
    assert position == len(data), (address, tags, "bytes are left over")
    return address, tags[1:], values


def _short(value: float, tag: str) -> float | str:
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    return float(f"{value:.7g}") if tag == "f" else value


def _read_text(data: bytes, position: int) -> tuple[str, int]:
    end = data.index(b"\0", position)
    return data[position:end].decode(), (end | 3) + 1
