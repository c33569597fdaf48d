"""The addresses for the library: find and rate clips, ask again for interrupted jobs. Only other threads read the database."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from bridge.domain.ask import FIELDS, Ask
from bridge.domain.fields import Field
from bridge.domain.limits import BPM, RATING, SECONDS, Range
from bridge.domain.nearest import unknown
from bridge.errors import BadArgument, ClipbridgeError, LibraryError, NotReady, QueueFull, Stopping
from bridge.frontends.osc import arguments as args
from bridge.frontends.osc.answers import MAX_WHY, Osc, Request
from bridge.frontends.osc.subscribers import Target
from bridge.library.clips import Clip, Query
from bridge.library.library import Library
from bridge.library.records import Interrupted


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
        Field("favourite", "flag", "job", ""),
        Field("rating_from", "whole", "job", "", RATING),
        Field("limit", "whole", "job", "", Range(1, 50)),
    )
}


def find(osc: Osc, request: Request) -> None:
    """/bridge/find"""
    library, query = _library(osc), query_of(request.arguments)

    def send(clips: list[Clip]) -> None:
        osc.send(request.sender, "/bridge/found", len(clips))
        for clip in clips:
            _send_clip(osc, request.sender, clip)

    osc.off_loop(lambda: library.find(query), send, request.sender, request.address)


def favourite(osc: Osc, request: Request) -> None:
    """/bridge/favourite"""
    path, *rest = _path_and(request, 1)
    on = args.number(rest[0], "favourite", Range(0, 1), whole=True) if rest else 1
    _change(osc, request, path, favourite=on == 1)


def rate(osc: Osc, request: Request) -> None:
    """/bridge/rate"""
    path, *rest = _path_and(request, 1)
    rating = args.number(args.only(rest, "/bridge/rate PATH"), "the rating", RATING, whole=True)
    _change(osc, request, path, rating=int(rating))


def interrupted(osc: Osc, request: Request) -> None:
    """/bridge/interrupted"""
    if not args.press(request.arguments, request.address):
        return

    def send(jobs: list[Interrupted]) -> None:
        osc.send(request.sender, "/bridge/interrupted/count", len(jobs))
        for job in jobs:
            facts = {"id": job.id, "prompt": job.text, "seconds": job.seconds, "seed": job.ask["seed"]}
            osc.reply(request.sender, "/bridge/interrupted/job", facts)

    osc.off_loop(_library(osc).interrupted, send, request.sender, request.address)


def resume(osc: Osc, request: Request) -> None:
    """/bridge/resume"""
    if not args.press(request.arguments, request.address):
        return
    library = _library(osc)

    def ask(claimed: list[Interrupted]) -> None:
        resumed, left = _ask_again(osc, library, claimed, request.sender)
        osc.send(request.sender, "/bridge/resumed", resumed, left)

    osc.off_loop(library.claim, ask, request.sender, request.address)


def _ask_again(osc: Osc, library: Library, claimed: list[Interrupted], sender: Target) -> tuple[int, int]:
    """How many are on their way, and how many have to wait for another resume."""
    resumed = 0
    for place, job in enumerate(claimed):
        try:
            osc.core.generate(ask_of(job), sender[0], None, sender)
            resumed += 1
        except (QueueFull, NotReady, Stopping):
            library.release(claimed[place:])
            return resumed, len(claimed) - place
        except ClipbridgeError as error:  # a preset that is gone, for example
            osc.send(sender, "/bridge/failed", secrets.token_hex(4), error.code, str(error)[:MAX_WHY])
        library.asked_again(job)
    return resumed, 0


def _change(osc: Osc, request: Request, path: str, **values: Any) -> None:
    library = _library(osc)
    osc.off_loop(
        lambda: library.change(path, **values),
        lambda clip: _send_clip(osc, request.sender, clip),
        request.sender,
        request.address,
    )


def _library(osc: Osc) -> Library:
    if osc.core.library is None:
        raise LibraryError("This Clipbridge keeps no library.")
    return osc.core.library


def _send_clip(osc: Osc, target: Target, clip: Clip) -> None:
    facts = {
        "path": clip.path,
        "prompt": clip.prompt,
        "seconds": clip.seconds,
        "bpm": clip.bpm,
        "note": clip.note,
        "seed": clip.seed,
        "rating": clip.rating,
        "favourite": int(clip.favourite),
    }
    osc.reply(target, "/bridge/clip", facts)


def query_of(given: list[Any]) -> Query:
    """`words [key value …]` checked. Raises BadArgument."""
    if not given:
        raise BadArgument('What is looked for comes first: /bridge/find "metal", or "" for any clip.')
    words, *pairs = given
    values: dict[str, Any] = {}
    for name, *value in (pairs[place : place + 2] for place in range(0, len(pairs), 2)):
        if not isinstance(name, str) or name not in FIND_KEYS:
            raise BadArgument(unknown("key of find", str(name), FIND_KEYS))
        if not value or name in values:
            raise BadArgument(f"The key {name} {'is there twice' if value else 'has no value'}.")
        values[name] = args.value(FIND_KEYS[name], value[0])
    favourite = values.get("favourite")
    return Query(
        words="" if words == "" else args.prompt(words),
        bpm=_range(values, "bpm", BPM),
        seconds=_range(values, "seconds", SECONDS),
        note=values.get("note"),
        key=values.get("key"),
        favourite=None if favourite is None else favourite == 1,
        rating=Range(values["rating_from"], RATING.high) if "rating_from" in values else None,
        **({"limit": values["limit"]} if "limit" in values else {}),
    )


def ask_of(job: Interrupted) -> Ask:
    """What was asked for, checked as if it came from outside. Raises BadArgument."""
    values = {name: _switch(name, value) for name, value in job.ask.items()}
    text, seconds = values.pop("text"), values.pop("seconds", None)
    if unknown := [name for name in values if name not in args.KEYS]:
        raise BadArgument(f"This job was asked for with {unknown[0]!r}, which this version does not know.")
    return args.Fields(text, seconds, values).ask()


def _switch(name: str, value: Any) -> Any:
    """Records of earlier versions have true and false for 1 and 0."""
    return int(value) if isinstance(value, bool) and name in FIELDS and FIELDS[name].kind == "flag" else value


def _range(values: dict[str, Any], name: str, widest: Range) -> Range | None:
    """The range of `name`_from to `name`_to; None if neither is there. Wider by what a 32-bit float may lose."""
    if f"{name}_from" not in values and f"{name}_to" not in values:
        return None
    return Range(values.get(f"{name}_from", widest.low) - 1e-4, values.get(f"{name}_to", widest.high) + 1e-4)


def _path_and(request: Request, more: int) -> list[Any]:
    """The path that comes first, and at most `more` values after it. Raises BadArgument."""
    arguments = request.arguments
    if not arguments or not isinstance(arguments[0], str) or not arguments[0] or len(arguments) > 1 + more:
        raise BadArgument(
            f"{request.address} wants the path of a clip, as /bridge/done and /bridge/clip state it, and one value."
        )
    return [Path(arguments[0]).as_posix(), *arguments[1:]]
