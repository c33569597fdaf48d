"""`clipbridge find`: find clips by words, tempo, key and so on. On a terminal it prints a table, into a pipe a path per line. Reads the
library directly, without a daemon."""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import sys

from bridge.commands.clip_table import table
from bridge.commands.terminal import is_terminal
from bridge.domain.limits import BPM, RATING, SECONDS, Range
from bridge.domain.musical_keys import key_of
from bridge.domain.notes import midi_of, name_of
from bridge.errors import BadArgument
from bridge.library import database, search
from bridge.library.clips import Clip
from bridge.library.search import Query

LIMIT = Range(1, 100_000)
SPAN = re.compile(r"(?P<low>[0-9]+(\.[0-9]+)?)?(?P<dots>\.\.)?(?P<high>[0-9]+(\.[0-9]+)?)?")


def main(options: argparse.Namespace) -> int:
    """Print the matching clips. Returns 1 if there are none. Raises BadArgument or LibraryError."""
    if options.limit not in LIMIT:
        raise BadArgument(f"--limit must be {LIMIT}, not {options.limit}.")
    query = Query(
        words=" ".join(options.words),
        bpm=span(options.bpm, "--bpm", BPM),
        seconds=span(options.seconds, "--seconds", SECONDS),
        note=None if options.note is None else _note(options.note),
        key=None if options.key is None else _key(options.key),
        favourite=True if options.favourite else None,
        rating=span(options.rating, "--rating", RATING),
        order=options.order,
        limit=options.limit,
    )
    results, total = list[Clip](), 0
    if database.place().is_file():
        with database.opened(database.place()) as connection:
            results, total = search.find(connection, query), search.count(connection, query)
    more = total - len(results)
    if options.json:
        print(json.dumps([dataclasses.asdict(clip) for clip in results]))
    elif results and is_terminal():
        print(*table(results), sep="\n")
    else:
        print(*(f"{clip.path}\n" for clip in results), sep="", end="")
    if more > 0 and not options.json:
        print(f"{more} more: --limit {total} lists them too.", file=sys.stderr)
    if not results:
        print("clipbridge: no clip found.", file=sys.stderr)
    return 0 if results else 1


def span(text: str | None, name: str, allowed: Range) -> Range | None:
    """Parse a range such as `120..130`, `120..`, `..130` or `120`; None for None. Raises BadArgument."""
    if text is None:
        return None
    match = SPAN.fullmatch(text.strip())
    low, dots, high = match.group("low", "dots", "high") if match else (None, None, None)
    if (low is None and high is None) or (not dots and (low is None or high is not None)):
        raise BadArgument(f"{name} must be a number or a range such as 3..5, 3.. or ..5, not {text[:40]!r}.")
    first = allowed.low if low is None else float(low)
    last = float(high) if high is not None else allowed.high if dots else first
    if first not in allowed or last not in allowed or first > last:
        raise BadArgument(f"{name} must be within {allowed}, the smaller number first; not {text[:40]!r}.")
    return Range(first - 1e-6, last + 1e-6)  # tolerance for computed values


def _key(text: str) -> str:
    try:
        return key_of(text).name
    except ValueError as error:
        raise BadArgument(f"--key: {error}.") from error


def _note(text: str) -> str:
    try:
        return name_of(midi_of(text))
    except ValueError as error:
        raise BadArgument(f"--note: {error}.") from error
