"""What the touch page may ask for: a few addresses, each with the arguments that the page sends."""

from __future__ import annotations

from typing import Any

from bridge.core.sources import clip_number
from bridge.domain.source import HOWS
from bridge.errors import BadArgument, UnknownAddress

KEYS = {
    "/bridge/generate": ("id", "sink"),
    "/bridge/pad/<n>/set": (),
    "/bridge/find": ("order", "limit"),
}  # the keys of those that have some; the first argument is a text
PLAIN = (
    "/bridge/pad/<n>/play", "/bridge/pads", "/bridge/play", "/bridge/stop",
    "/bridge/tempo", "/bridge/status",
)  # fmt: skip
MAX_ARGUMENTS = 8


def check(row: str, arguments: list[Any]) -> None:
    """Check a message to the address of a row of METHODS. Raises UnknownAddress, BadArgument."""
    if row not in PLAIN and row not in KEYS:
        raise UnknownAddress("The touch page may not use this address: send it by OSC.")
    if len(arguments) > MAX_ARGUMENTS or any(isinstance(one, list | tuple | bytes) for one in arguments):
        raise BadArgument("The touch page sends only a few texts and numbers.")
    if row == "/bridge/play" and (len(arguments) != 1 or clip_number(str(arguments[0])) is None):
        raise BadArgument("The touch page plays clips by their numbers: clip:12.")
    if row in KEYS:
        _check_keys(row, arguments)


def _check_keys(row: str, arguments: list[Any]) -> None:
    if not arguments or not isinstance(arguments[0], str) or (len(arguments) > 1 and arguments[0] in HOWS):
        raise BadArgument("The touch page sends the text first.")
    rest = arguments[1:]
    if rest and isinstance(rest[0], int | float) and not isinstance(rest[0], bool):
        rest = rest[1:]  # the seconds
    for name in rest[::2]:
        if name not in KEYS[row]:
            raise BadArgument(f"The touch page may not send the key {str(name)[:40]!r} to {row}.")
