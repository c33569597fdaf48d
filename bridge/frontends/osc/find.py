"""The address that searches the library."""

from __future__ import annotations

from typing import Any

from bridge.domain.ask import FIELDS
from bridge.domain.fields import Field
from bridge.domain.limits import BPM, ORDERS, RATING, SECONDS, Range
from bridge.errors import BadArgument
from bridge.frontends.osc import arguments as args
from bridge.frontends.osc.answers import Osc, Request
from bridge.frontends.osc.library import library_of, send_clip
from bridge.library.clips import Clip
from bridge.library.search import Query

FLOAT_TOLERANCE = 1e-4  # what a 32-bit float may lose of a limit
MAX_PRESET_CHARACTERS = 200


def _between(name: str, allowed: Range) -> tuple[Field, Field]:
    """The keys for a range of `name`."""
    low, high = (Field(f"{name}_{end}", "number", "job", "", allowed) for end in ("from", "to"))
    return low, high


FIND_KEYS = {
    key.name: key
    for key in (
        *_between("bpm", BPM),
        *_between("seconds", SECONDS),
        FIELDS["note"],
        FIELDS["key"],
        Field("preset", "text", "job", "", longest=MAX_PRESET_CHARACTERS),
        Field("favourite", "flag", "job", ""),
        Field("rating_from", "whole", "job", "", RATING),
        Field("order", "choice", "job", "", choices=ORDERS),
        Field("offset", "whole", "job", "", Range(0, 1_000_000)),
        Field("limit", "whole", "job", "", Range(1, 50)),
        FIELDS["id"],
    )
}


def find(osc: Osc, request: Request) -> None:
    """/bridge/find"""
    library = library_of(osc)
    words, values = _read(request.arguments)
    query, identity = _query(words, values), {name: values[name] for name in ("id",) if name in values}

    def send(found: tuple[list[Clip], int]) -> None:
        clips, total = found
        osc.reply(request.sender, "/bridge/found", {"count": len(clips), "total": total, **identity})
        for clip in clips:
            send_clip(osc, request, clip, **identity)

    osc.off_loop(lambda: library.find(query), send, request.sender, request.address)


def query_of(arguments: list[Any]) -> Query:
    """The query that `words [key value …]` asks for. Raises BadArgument."""
    return _query(*_read(arguments))


def _read(arguments: list[Any]) -> tuple[Any, dict[str, Any]]:
    """The words, and the checked values of the keys. Raises BadArgument."""
    if not arguments:
        raise BadArgument('The words to search for come first: /bridge/find "metal", or "" for any clip.')
    words, *pairs = arguments
    return words, args.keyed(pairs, FIND_KEYS, "find")


def _query(words: Any, values: dict[str, Any]) -> Query:
    favourite = values.get("favourite")
    return Query(
        words="" if words == "" else args.prompt(words, "the words to search for"),
        bpm=_range(values, "bpm", BPM),
        seconds=_range(values, "seconds", SECONDS),
        note=values.get("note"),
        key=values.get("key"),
        preset=values.get("preset"),
        favourite=None if favourite is None else favourite == 1,
        rating=Range(values["rating_from"], RATING.high) if "rating_from" in values else None,
        **{name: values[name] for name in ("order", "offset", "limit") if name in values},
    )


def _range(values: dict[str, Any], name: str, widest: Range) -> Range | None:
    """The range from `name`_from to `name`_to, FLOAT_TOLERANCE wider at both ends; None if neither key is set."""
    if f"{name}_from" not in values and f"{name}_to" not in values:
        return None
    low, high = values.get(f"{name}_from", widest.low), values.get(f"{name}_to", widest.high)
    if low > high:
        raise BadArgument(f"{name}_from must not be greater than {name}_to.")
    return Range(low - FLOAT_TOLERANCE, high + FLOAT_TOLERANCE)
