"""Find the recipe in an audio file: one of ours, or one that a converter made of it.

WAV, FLAC and AIFF without a tag library: those that were tried load a chunk of any size into memory, and this folder may hold
anybody's files. Here a chunk is read only if it can be a recipe (at most 2 × MAX_RECIPE_BYTES), and at most MAX_CHUNKS headers are
looked at.
"""

from __future__ import annotations

import html
import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from bridge.domain.recipe import MAX_RECIPE_BYTES
from bridge.errors import BadRecipe

SUFFIXES = (".wav", ".flac", ".aif", ".aiff", ".mp3", ".ogg", ".oga", ".opus", ".m4a")
MAX_CHUNKS = 1_000
MAX_FILE_BYTES = 100_000_000  # of a compressed file
OUR_RECIPE = b"CLBR"  # in LIST/INFO; in an AIFF a chunk, for what is too long for ANNO
# The names of Vorbis comments that may hold it; earlier versions wrote the last.
FIELDS = ("comment", "description", "clbr", "clipbridge")
FIELD = re.compile(rf"({'|'.join(FIELDS)})=\s*", re.IGNORECASE)


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
        elif head[:3] == b"ID3" or head[:4] == b"OggS" or head[4:8] == b"ftyp":
            texts = _in_compressed(file)
        else:
            raise BadRecipe("it is not a WAV, FLAC, AIFF, MP3, Ogg or M4A file with tags")
        for text in texts:
            if text.startswith("{") and '"clipbridge"' in text[:200]:
                return _without_rest(text)
    raise BadRecipe("it has no recipe of Clipbridge")


def _without_rest(text: str) -> str:
    """`text` without what a converter added behind the recipe."""
    try:
        return text[: json.JSONDecoder().raw_decode(text)[1]]
    except (ValueError, RecursionError):
        return text  # damaged


def _in_wav(opened: BinaryIO) -> Iterator[str]:
    for name, data in _chunks(opened, "<", (b"LIST", b"iXML")):
        yield from _wav_texts(name, data)


def _wav_texts(name: bytes, data: bytes) -> Iterator[str]:
    if name == b"iXML":
        match = re.search(rb"<USER>(.*?)</USER>", data, re.DOTALL)
        if match:
            yield html.unescape(match[1].decode("utf-8", "replace")).strip()
    elif name == b"LIST" and data[:4] == b"INFO":
        at = 4
        while at + 8 <= len(data):
            size = struct.unpack_from("<I", data, at + 4)[0]
            if data[at : at + 4] in (b"ICMT", OUR_RECIPE):
                yield from _lines(data[at + 8 : at + 8 + size])
            at += 8 + size + size % 2


def _in_aiff(opened: BinaryIO) -> Iterator[str]:
    for name, data in _chunks(opened, ">", (OUR_RECIPE, b"ANNO", b"COMT")):
        yield from _aiff_texts(name, data)


def _aiff_texts(name: bytes, data: bytes) -> Iterator[str]:
    if name == b"COMT":  # a count; the time, marker and size of the first comment, which sox writes alone
        yield from _lines(data[10:])
    elif name in (OUR_RECIPE, b"ANNO"):
        yield from _lines(data)


def _in_flac(opened: BinaryIO) -> Iterator[str]:
    for _ in range(MAX_CHUNKS):
        head = opened.read(4)
        if len(head) < 4:
            return
        kind, size = head[0] & 0x7F, int.from_bytes(head[1:], "big")
        if kind in (2, 4) and size <= 2 * MAX_RECIPE_BYTES:
            block = opened.read(size)
            if kind == 4:
                yield from _comments(block)
            elif block[:4] == b"riff":  # a chunk of the WAV or AIFF from which `flac --keep-foreign-metadata` made it
                yield from _wav_texts(block[4:8], block[12:])
            elif block[:4] == b"aiff":
                yield from _aiff_texts(block[4:8], block[12:])
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
            if (field := FIELD.match(text)) is not None:
                yield text[field.end() :]
    except struct.error:
        return  # truncated


def _in_compressed(file: Path) -> Iterator[str]:
    from tinytag import TinyTag, TinyTagException  # late: only for files of other programs

    if file.stat().st_size > MAX_FILE_BYTES:
        return
    try:
        tag = TinyTag.get(str(file), duration=False)
    except (TinyTagException, ValueError, LookupError, TypeError, struct.error, EOFError, RecursionError):
        return  # damaged
    for text in (tag.comment, *(text for name, texts in tag.other.items() if _may_hold(name) for text in texts)):
        yield from _lines(str(text or "").encode("utf-8", "replace"))


def _may_hold(name: str) -> bool:
    return any(field in name.lower() for field in FIELDS)


def _lines(data: bytes) -> Iterator[str]:
    """The text of a comment, then its lines without names of fields: sox puts all Vorbis comments into one."""
    text = data.rstrip(b"\0 ").decode("utf-8", "replace").lstrip("\ufeff")
    yield text
    for line in text.splitlines():
        if (field := FIELD.match(line)) is not None:
            yield line[field.end() :]


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
