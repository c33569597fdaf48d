"""The addresses that change clips of the library. Only other threads read the database."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bridge.domain.limits import RATING
from bridge.domain.source import Source
from bridge.errors import BadArgument, LibraryError
from bridge.frontends.osc import arguments as args
from bridge.frontends.osc.answers import Osc, Request
from bridge.library.clips import Clip
from bridge.library.library import Library


def favourite(osc: Osc, request: Request) -> None:
    """/bridge/favourite"""
    path, values = _path_and_value(request, "then perhaps 0 or 1")
    _change(osc, request, path, favourite=args.switch(values, "favourite"))


def rate(osc: Osc, request: Request) -> None:
    """/bridge/rate"""
    path, values = _path_and_value(request, f"then {RATING}")
    rating = args.number(args.only(values, "/bridge/rate PATH"), "the rating", RATING, whole=True)
    _change(osc, request, path, rating=int(rating))


def library_of(osc: Osc) -> Library:
    """The library. Raises LibraryError if this daemon has none."""
    if osc.core.library is None:
        raise LibraryError("This Clipbridge keeps no library.")
    return osc.core.library


def send_clip(osc: Osc, request: Request, clip: Clip, **more: Any) -> None:
    """Send /bridge/clip, with these pairs at its end."""
    facts = {
        "path": clip.path,
        "prompt": clip.prompt,
        "seconds": clip.seconds,
        "bpm": clip.bpm,
        "note": clip.note,
        "seed": clip.seed,
        "rating": clip.rating,
        "favourite": int(clip.favourite),
        "added_at": datetime.fromtimestamp(clip.added_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "take": clip.take,
        "bars": clip.bars,
        "key": clip.key,
        "loop": int(clip.loop),
        "preset": clip.preset,
        "model": clip.model,
        "clip": clip.number,
        **(_source(clip.source) if clip.source is not None and request.is_local else {}),
        **more,
    }
    osc.reply(request.sender, "/bridge/clip", facts)


def _source(source: Source) -> dict[str, Any]:
    """What a clip was made from, for an asker on this machine: others may not learn which files it has."""
    facts = {"how": source.how, "source": source.path, "from": source.from_s, "to": source.to_s}
    return facts | ({"strength": float(source.strength)} if source.how == "vary" else {})


def _change(osc: Osc, request: Request, path: str, **values: Any) -> None:
    library = library_of(osc)
    osc.off_loop(
        lambda: library.change(path, look=request.is_local, **values),  # others may not look at this disk
        lambda clip: send_clip(osc, request, clip),
        request.sender,
        request.address,
    )


def _path_and_value(request: Request, value: str) -> tuple[str, list[Any]]:
    """The path, which comes first, and at most one value after it, which `value` describes. Raises BadArgument."""
    arguments = request.arguments
    if not arguments or not isinstance(arguments[0], str) or not arguments[0] or len(arguments) > 2:
        raise BadArgument(
            f"{request.address} wants the path of a clip, as /bridge/done and /bridge/clip state it, {value}."
        )
    return Path(arguments[0]).as_posix(), arguments[1:]
