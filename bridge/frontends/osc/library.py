"""The part of the OSC frontend for the library: clips are found and rated, interrupted jobs asked for again."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from bridge.domain.ask import FIELDS, Ask
from bridge.domain.limits import BPM, RATING, SECONDS, Range
from bridge.domain.nearest import unknown
from bridge.errors import BadArgument, ClipbridgeError, LibraryError, NotReady, QueueFull, Stopping
from bridge.frontends.osc import arguments as args
from bridge.frontends.osc.addresses import FIND_KEYS
from bridge.frontends.osc.answers import MAX_WHY, Answers, Target
from bridge.library.clips import Clip, Query
from bridge.library.library import Library
from bridge.library.records import Interrupted


class LibraryMethods(Answers):
    """Methods of the OSC frontend; the names stand in METHODS. The database is looked at on other threads only."""

    def find(self, given: list[Any], sender: Target, _message: Any) -> None:
        library, query = self._library(), query_of(given)

        def tell(found: list[Clip]) -> None:
            self._send(sender, "/bridge/found", len(found))
            for clip in found:
                self._send_clip(sender, clip)

        self._aside(lambda: library.find(query), tell, sender, "/bridge/find")

    def favourite(self, given: list[Any], sender: Target, _message: Any) -> None:
        path, *rest = _path_and(given, "/bridge/favourite", 1)
        on = args.number(rest[0], "favourite", Range(0, 1), whole=True) if rest else 1
        self._change(path, sender, "/bridge/favourite", favourite=on == 1)

    def rate(self, given: list[Any], sender: Target, _message: Any) -> None:
        path, *rest = _path_and(given, "/bridge/rate", 1)
        rating = args.number(args.only(rest, "/bridge/rate PATH"), "the rating", RATING, whole=True)
        self._change(path, sender, "/bridge/rate", rating=int(rating))

    def interrupted(self, given: list[Any], sender: Target, _message: Any) -> None:
        if args.press(given, "/bridge/interrupted"):

            def tell(jobs: list[Interrupted]) -> None:
                self._send(sender, "/bridge/interrupted/count", len(jobs))
                for job in jobs:
                    facts = {"id": job.id, "prompt": job.text, "seconds": job.seconds, "seed": job.ask["seed"]}
                    self._reply(sender, "/bridge/interrupted/job", facts)

            self._aside(self._library().interrupted, tell, sender, "/bridge/interrupted")

    def resume(self, given: list[Any], sender: Target, _message: Any) -> None:
        if args.press(given, "/bridge/resume"):
            library = self._library()

            def again(claimed: list[Interrupted]) -> None:
                resumed, left = self._ask_again(library, claimed, sender)
                self._send(sender, "/bridge/resumed", resumed, left)

            self._aside(library.claim, again, sender, "/bridge/resume")

    def _ask_again(self, library: Library, claimed: list[Interrupted], sender: Target) -> tuple[int, int]:
        """How many are on their way, and how many have to wait for another resume."""
        resumed = 0
        for place, job in enumerate(claimed):
            try:
                self.core.generate(ask_of(job), sender[0], None, sender)
                resumed += 1
            except (QueueFull, NotReady, Stopping):
                library.release(claimed[place:])
                return resumed, len(claimed) - place
            except ClipbridgeError as error:  # a preset that is gone, for example
                self._send(sender, "/bridge/failed", secrets.token_hex(4), error.code, str(error)[:MAX_WHY])
            library.asked_again(job)
        return resumed, 0

    def _change(self, path: str, sender: Target, address: str, **values: Any) -> None:
        library = self._library()
        self._aside(lambda: library.change(path, **values), lambda clip: self._send_clip(sender, clip), sender, address)

    def _library(self) -> Library:
        if self.core.library is None:
            raise LibraryError("This Clipbridge keeps no library.")
        return self.core.library

    def _send_clip(self, target: Target, clip: Clip) -> None:
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
        self._reply(target, "/bridge/clip", facts)


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
        bpm=_between(values, "bpm", BPM),
        seconds=_between(values, "seconds", SECONDS),
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


def _between(values: dict[str, Any], name: str, widest: Range) -> Range | None:
    """The range of `name`_from to `name`_to; None if neither is there. Wider by what a 32-bit float may lose."""
    if f"{name}_from" not in values and f"{name}_to" not in values:
        return None
    return Range(values.get(f"{name}_from", widest.low) - 1e-4, values.get(f"{name}_to", widest.high) + 1e-4)


def _path_and(given: list[Any], address: str, more: int) -> list[Any]:
    """The path that comes first, and at most so many values after it. Raises BadArgument."""
    if not given or not isinstance(given[0], str) or not given[0] or len(given) > 1 + more:
        raise BadArgument(
            f"{address} wants the path of a clip, as /bridge/done and /bridge/clip state it, and one value."
        )
    return [Path(given[0]).as_posix(), *given[1:]]
