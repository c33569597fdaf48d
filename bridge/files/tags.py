"""Find the recipe in a WAV, FLAC or AIFF file.

No tag library: those that were tried load a chunk of any size into memory, and this folder may hold anybody's files. Here
a chunk is read only if it can be a recipe (at most 2 × MAX_RECIPE_BYTES), and at most MAX_CHUNKS headers are looked at.
"""

from __future__ import annotations

import html
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from bridge.domain.recipe import MAX_RECIPE_BYTES
from bridge.errors import BadRecipe

MAX_CHUNKS = 1_000
FLAC_FIELD = "clipbridge="  # the name of the Vorbis comment that holds the recipe
AIFF_RECIPE = b"CLBR"


def recipe_in(file: Path) -> str:
    """The text of the recipe in `file`. Raises BadRecipe if it has none, OSError if it cannot be read."""
    with file.open("rb") as opened:
        head = opened.read(12)
        if head[:4] in (b"RIFF", b"RF64") and head[8:] == b"WAVE":
            texts = _in_wav(opened)
        elif head[:4] == b"fLaC":
            opened.seek(4)
            texts = _in_flac(opened)
        elif head[:4] == b"FORM" and head[8:] in (b"AIFF", b"AIFC"):
            texts = _in_aiff(opened)
        else:
            raise BadRecipe("it is not a WAV, FLAC or AIFF file")
        for text in texts:
            if text.startswith("{") and '"clipbridge"' in text[:200]:
                return text
    raise BadRecipe("it has no recipe of Clipbridge")


def _in_wav(opened: BinaryIO) -> Iterator[str]:
    for name, data in _chunks(opened, "<", (b"LIST", b"iXML")):
        if name == b"iXML":
            match = re.search(rb"<USER>(.*?)</USER>", data, re.DOTALL)
            if match:
                yield html.unescape(match[1].decode("utf-8", "replace")).strip()
        elif data[:4] == b"INFO":
            at = 4
            while at + 8 <= len(data):
                size = struct.unpack_from("<I", data, at + 4)[0]
                if data[at : at + 4] == b"ICMT":
                    yield data[at + 8 : at + 8 + size].rstrip(b"\0").decode("utf-8", "replace")
                at += 8 + size + size % 2


def _in_aiff(opened: BinaryIO) -> Iterator[str]:
    for _name, data in _chunks(opened, ">", (AIFF_RECIPE,)):
        yield data.rstrip(b"\0 ").decode("utf-8", "replace")


def _in_flac(opened: BinaryIO) -> Iterator[str]:
    for _ in range(MAX_CHUNKS):
        head = opened.read(4)
        if len(head) < 4:
            return
        size = int.from_bytes(head[1:], "big")
        if head[0] & 0x7F == 4 and size <= 2 * MAX_RECIPE_BYTES:
            yield from _comments(opened.read(size))
        else:
            opened.seek(size, 1)
        if head[0] & 0x80:
            return


def _comments(block: bytes) -> Iterator[str]:
    try:
        at = 4 + struct.unpack_from("<I", block)[0]
        count = struct.unpack_from("<I", block, at)[0]
        at += 4
        for _ in range(min(count, MAX_CHUNKS)):
            size = struct.unpack_from("<I", block, at)[0]
            text = block[at + 4 : at + 4 + size].decode("utf-8", "replace")
            at += 4 + size
            if text.lower().startswith(FLAC_FIELD):
                yield text[len(FLAC_FIELD) :]
    except struct.error:
        return  # truncated


def _chunks(opened: BinaryIO, order: str, names: tuple[bytes, ...]) -> Iterator[tuple[bytes, bytes]]:
    """The chunks with one of `names` in a RIFF ("<") or IFF (">") file, from after its header."""
    for _ in range(MAX_CHUNKS):
        head = opened.read(8)
        if len(head) < 8:
            return
        name, size = head[:4], struct.unpack(order + "I", head[4:])[0]
        if name in names and size <= 2 * MAX_RECIPE_BYTES:
            yield name, opened.read(size)
            opened.seek(size % 2, 1)
        else:
            opened.seek(size + size % 2, 1)
