"""Read what a front asks for: its prompt, checked like a recipe from anybody, and the audio of a source, which goes into a file of ours."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import hashlib
import re
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from bridge.domain import recipe
from bridge.engine import wire
from bridge.errors import BadArgument, BadSource, ClipbridgeError, NoModel

MOST_BODY_BYTES = wire.MOST_LINE_BYTES + wire.MOST_SOURCE_BYTES
BODY_S, PART_S = 600.0, 10.0  # for the whole body, and for the next part of it
SUFFIX = re.compile(r"\.[a-z0-9]{1,5}")

Receive = Callable[[], Awaitable[Any]]


class Gone(Exception):
    """The front closed the connection."""


async def read_body(receive: Receive) -> bytes:
    """The body of a request, by ASGI. Raises BadArgument if it is too long or too slow, and Gone."""
    parts, size = [], 0
    try:
        async with asyncio.timeout(BODY_S):
            while True:
                message = await asyncio.wait_for(receive(), PART_S)
                if message["type"] == "http.disconnect":
                    raise Gone
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > MOST_BODY_BYTES:
                    raise BadArgument(f"A request may have at most {MOST_BODY_BYTES >> 20} MiB.")
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        raise BadArgument("The request did not arrive in time.") from None


def read_ask(body: bytes) -> tuple[recipe.Recipe, bytes, str]:
    """The recipe in the frame `generate`, the bytes of its source and the suffix of their file. Raises BadArgument, NoModel for another
    protocol, BadSource if the bytes do not have the hash that the front computed."""
    line, newline, raw = body.partition(b"\n")
    try:
        kind, values, size = wire.parse_line(line, wire.MOST_SOURCE_BYTES)
    except ValueError as error:
        raise BadArgument(f"The request is not a frame ({error}).") from error
    if kind != "generate" or not newline or size != len(raw):
        raise BadArgument("The request is not a whole frame.")
    if values.get("protocol") != wire.PROTOCOL:
        raise other_protocol(values.get("protocol"))
    if not isinstance(text := values.get("recipe"), str):
        raise BadArgument("The request has no recipe.")
    try:
        asked = recipe.read(text)
    except ClipbridgeError as error:
        raise BadArgument(f"The prompt cannot be read: {error}.") from error
    suffix = values.get("suffix", "")
    if asked.prompt.source is None:
        return asked, b"", ""
    if not isinstance(suffix, str) or not SUFFIX.fullmatch(suffix):
        raise BadArgument("The source has no usual suffix.")
    if hashlib.sha256(raw).hexdigest() != values.get("sha256"):
        raise BadSource("The audio of the source arrived damaged: ask again.")
    return asked, raw, suffix


def other_protocol(theirs: object) -> NoModel:
    """The error for a front that speaks another protocol."""
    return NoModel(
        f"The box speaks protocol {wire.PROTOCOL}, and the front {str(theirs)[:20]}: install the same version of Clipbridge on both."
    )


@contextlib.contextmanager
def stored(asked: recipe.Recipe, raw: bytes, suffix: str) -> Iterator[tuple[Any, Path | None]]:
    """The prompt whose source, if any, is a new file of ours with these bytes. The file is deleted at the end. Raises BadSource."""
    source = asked.prompt.source
    if source is None:
        yield asked.prompt, None
        return
    try:
        folder = tempfile.TemporaryDirectory(prefix="clipbridge-source-", ignore_cleanup_errors=True)
        file = Path(folder.name) / f"source{suffix}"
        file.write_bytes(raw)
    except OSError as error:
        raise BadSource(f"The box cannot store the source ({error.strerror}).") from error
    with folder:
        yield dataclasses.replace(asked.prompt, source=dataclasses.replace(source, path=str(file))), file
