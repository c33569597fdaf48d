"""`then`: an OSC message to a third program on the asker's machine when the clip is ready, such as `/b_allocRead i:10 s:{path}`.

The text is split before placeholders are filled in, so no path or id can add arguments.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bridge.errors import BadArgument

MAX_CHARACTERS, MAX_ARGUMENTS = 1_000, 32
ADDRESS = re.compile(r"/[!-~]{1,254}")
NAMES = ("path", "id", "seconds", "frames", "sample_rate")
KINDS: dict[str, Callable[[str], Any]] = {"i": lambda text: int(float(text)), "f": float, "s": str}
LARGEST = {"i": 2**31 - 1, "f": 3.4e38}
SAMPLE = {"path": "/x y.wav", "id": "1", "seconds": 1.0, "frames": 48_000, "sample_rate": 48_000}
EXAMPLE = 'then "/b_allocRead i:10 s:{path}"'


@dataclass(frozen=True, slots=True)
class Then:
    """A message whose arguments, pairs of a kind (`i`, `f` or `s`) and a text, have placeholders."""

    address: str
    arguments: tuple[tuple[str, str], ...]

    def filled(self, fields: dict[str, Any]) -> tuple[Any, ...]:
        """The values, with {path}, {id}, {seconds}, {frames} and {sample_rate} from `fields`. Raises BadArgument."""
        return tuple(_filled(kind, text, fields) for kind, text in self.arguments)


def parse(text: str) -> Then:
    """`/address kind:value …`, kinds i, f and s (the default), quotes around values with spaces. Raises BadArgument."""
    if len(text) > MAX_CHARACTERS:
        raise BadArgument(f"then may have at most {MAX_CHARACTERS:,} characters, not {len(text):,}.")
    try:
        address, *parts = shlex.split(text)
    except ValueError as error:
        raise BadArgument(f"then cannot be parsed ({error}): write it like {EXAMPLE}.") from error
    if not ADDRESS.fullmatch(address):
        raise BadArgument(f"then must begin with an OSC address: {EXAMPLE}.")
    if address.startswith("/bridge/"):
        raise BadArgument("then is for other programs: it cannot send to an address of Clipbridge.")
    if len(parts) > MAX_ARGUMENTS:
        raise BadArgument(f"then may have at most {MAX_ARGUMENTS} arguments.")
    pairs = [part.partition(":") for part in parts]
    typed = [(kind, rest) if colon and kind in KINDS else ("s", kind + colon + rest) for kind, colon, rest in pairs]
    then = Then(address, tuple(typed))
    then.filled(SAMPLE)  # refuse now what could not be sent when the clip is ready
    return then


def _filled(kind: str, text: str, fields: dict[str, Any]) -> Any:
    def value(match: re.Match[str]) -> str:
        if match[1] not in NAMES:
            known = ", ".join(f"{{{name}}}" for name in NAMES)
            raise BadArgument(f"then knows {known}, not {{{match[1][:40]}}}.")
        return str(fields[match[1]])

    whole = re.sub(r"\{([^{}]*)\}", value, text)
    try:
        number = KINDS[kind](whole)
    except (ValueError, OverflowError) as error:
        raise BadArgument(f"then: {text[:40]!r} is not a number.") from error
    if kind in LARGEST and not -LARGEST[kind] <= number <= LARGEST[kind]:
        raise BadArgument(f"then: {text[:40]!r} is not a number that OSC can carry.")
    return number
