"""Tags in audio files, for DAWs, samplers and Clipbridge itself. libsndfile writes none of them but titles and comments.

WAV: bext (EBU Tech 3285), smpl and LIST/INFO (Multimedia Programming Interface and Data Specifications 1.0, IBM and
Microsoft 1991), acid (as Sonic Foundry's programs write it), iXML 2.10. AIFF: Audio Interchange File Format 1.3, Apple
1989. FLAC: RFC 9639.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape

from bridge.files.names import plain
from bridge.files.tags import OUR_RECIPE

MIDDLE_C = 60  # samplers take this root for a sound without one
# libsndfile ignores a WAV's text of 2,047 bytes and more, and opens no AIFF with too long a title. The whole text is in the recipe.
TITLE_BYTES = {"WAV": 2_000, "AIFF": 1_000}
AIFF_TEXT_BYTES = 8_000  # libsndfile opens no AIFF with a longer text
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 forbids, even escaped


@dataclass(frozen=True, slots=True)
class Tags:
    """`root`: a MIDI note or None. `beats`: 0 if the clip does not have a whole number of them. `bpm`: 0.0 if unknown; `lufs`:
    None if unknown. `loop`: whether the whole clip is a loop. `mode`: of EBU R 98: mono, dual-mono or stereo."""

    title: str
    recipe: str
    software: str
    seed: int
    sample_rate: int
    bits: int
    mode: str
    frames: int
    root: int | None
    loop: bool
    beats: int
    beats_per_bar: int
    bpm: float
    lufs: float | None


def into_wav(wav: bytes, tags: Tags) -> bytes:
    """Add the tags to a WAV file as libsndfile writes it. The PEAK chunk is removed: it holds the time of day, and the same
    prompt must give the same bytes. Format and samples come first: simple readers expect nothing before them."""
    original = [(name, data) for name, data in _chunks(wav, "<") if name not in (b"PEAK", b"LIST")]
    # For floating point the 16 bytes of fmt must be followed by an extension size, which libsndfile omits and sox requires.
    original = [
        (name, data + b"\0\0" if name == b"fmt " and data[:2] == b"\3\0" and len(data) == 16 else data)
        for name, data in original
    ]
    audio_end = next(at for at, (name, _) in enumerate(original) if name == b"data") + 1
    # ffmpeg takes ICMT and the description in bext for one comment: version 9 keeps the first, version 5 the last, but it keeps
    # names that it does not know. The recipes come last: when libsndfile reads, it loses strings of 2,047 bytes and more and all
    # that follow.
    title = _cut(tags.title, TITLE_BYTES["WAV"])
    info = [(b"INAM", title), (b"ISFT", tags.software), (b"ICMT", tags.recipe), (OUR_RECIPE, tags.recipe)]
    listed = (b"LIST", b"INFO" + b"".join(_chunk(name, text.encode() + b"\0", "<") for name, text in info))
    whole = [*original[:audio_end], listed, (b"bext", _bext(tags))]
    if tags.loop or tags.root is not None:
        whole.append((b"smpl", _smpl(tags)))
    if tags.beats:
        whole.append((b"acid", _acid(tags)))
    whole.append((b"iXML", _ixml(tags)))
    whole += original[audio_end:]
    body = b"WAVE" + b"".join(_chunk(name, data, "<") for name, data in whole)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def into_aiff(aiff: bytes, tags: Tags) -> bytes:
    """Add the tags to an AIFF file as libsndfile writes it."""
    original = [(name, data) for name, data in _chunks(aiff, ">") if name != b"PEAK"]
    whole = [*original, (b"NAME", _cut(tags.title, TITLE_BYTES["AIFF"]).encode())]
    if tags.loop or tags.root is not None:
        marks = ((1, 0, b"\x05begin"), (2, tags.frames, b"\x03end"))
        whole.append(
            (b"MARK", struct.pack(">H", 2) + b"".join(struct.pack(">HI", n, at) + text for n, at, text in marks))
        )
        root = MIDDLE_C if tags.root is None else tags.root
        sustain = (1, 1, 2) if tags.loop else (0, 0, 0)  # forward, from mark 1 to mark 2
        whole.append((b"INST", struct.pack(">bbbbbbh3h3h", root, 0, 0, 127, 1, 127, 0, *sustain, 0, 0, 0)))
    # In an annotation, which converters keep, unless libsndfile would not open the file. Last, and of even length: sox cannot
    # read on after an unknown chunk of odd length.
    recipe = tags.recipe.encode()
    whole.append((b"ANNO" if len(recipe) < AIFF_TEXT_BYTES else OUR_RECIPE, recipe + b" " * (len(recipe) % 2)))
    body = aiff[8:12] + b"".join(_chunk(name, data, ">") for name, data in whole)
    return b"FORM" + struct.pack(">I", len(body)) + body


def into_flac(flac: bytes, tags: Tags) -> bytes:
    """Replace the Vorbis comments of a FLAC file by ours. libsndfile's own strings do not suffice: they have no field for the
    tempo."""
    fields = [f"TITLE={tags.title}", f"ENCODER={tags.software}", f"COMMENT={tags.recipe}"]
    if tags.bpm:
        fields.append(f"BPM={tags.bpm:g}")
    vendor, *rest = (struct.pack("<I", len(data)) + data for data in map(str.encode, [tags.software, *fields]))
    comment = vendor + struct.pack("<I", len(fields)) + b"".join(rest)
    blocks, at, last = [], 4, False
    while not last:
        last, kind = bool(flac[at] & 0x80), flac[at] & 0x7F
        size = int.from_bytes(flac[at + 1 : at + 4], "big")
        if kind != 4:
            blocks.append((kind, flac[at + 4 : at + 4 + size]))
        at += 4 + size
    blocks.insert(1, (4, comment))  # after STREAMINFO, which must be first
    head = b"".join(
        bytes([kind | (0x80 if number == len(blocks) else 0)]) + len(data).to_bytes(3, "big") + data
        for number, (kind, data) in enumerate(blocks, 1)
    )
    return b"fLaC" + head + flac[at:]


def _bext(tags: Tags) -> bytes:
    # No date: the file system has one, and the same recipe must give the same bytes.
    loudness = 0x7FFF if tags.lufs is None else round(tags.lufs * 100)  # in hundredths of LUFS; 0x7FFF: not stated
    history = f"A=PCM,F={tags.sample_rate},W={tags.bits},M={tags.mode},T={tags.software}\r\n"
    return (
        _fixed(tags.title, 256)
        + _fixed("Clipbridge", 32)
        + _fixed(f"seed {tags.seed}", 32)
        + bytes(10 + 8 + 8)
        + struct.pack("<H", 2)
        + bytes(64)
        + struct.pack("<5h", loudness, *[0x7FFF] * 4)
        + bytes(180)
        + history.encode("ascii")
        + b"\0"
    )


def _smpl(tags: Tags) -> bytes:
    root = MIDDLE_C if tags.root is None else tags.root
    loops = [(0, 0, 0, tags.frames - 1, 0, 0)] if tags.loop else []  # the last frame is included; 0 repeats: forever
    head = struct.pack("<9I", 0, 0, round(1e9 / tags.sample_rate), root, 0, 0, 0, len(loops), 0)
    return head + b"".join(struct.pack("<6I", *loop) for loop in loops)


def _acid(tags: Tags) -> bytes:
    flags = 0 if tags.root is None else 2  # the root is valid
    root = MIDDLE_C if tags.root is None else tags.root
    return struct.pack("<IHHfIHHf", flags, root, 0x8000, 0.0, tags.beats, 4, tags.beats_per_bar, tags.bpm)


def _ixml(tags: Tags) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><BWFXML><IXML_VERSION>2.10</IXML_VERSION><PROJECT>Clipbridge</PROJECT>'
        f"<NOTE>{_xml(tags.title)}</NOTE><USER>{_xml(tags.recipe)}</USER></BWFXML>"
    ).encode()


def _xml(text: str) -> str:
    """`text` for an XML document, its forbidden characters replaced by U+FFFD."""
    return escape(NOT_XML.sub("\ufffd", text))


def _cut(text: str, size: int) -> str:
    """`text`, cut between characters to at most `size` bytes of UTF-8."""
    return text.encode()[:size].decode("utf-8", "ignore")


def _fixed(text: str, size: int) -> bytes:
    """`text` as `size` bytes of ASCII (as EBU Tech 3285 demands), cut or padded with zeros."""
    return plain(text).strip("- ").encode()[:size].ljust(size, b"\0")


def _chunk(name: bytes, data: bytes, order: str) -> bytes:
    return name + struct.pack(order + "I", len(data)) + data + b"\0" * (len(data) % 2)


def _chunks(file: bytes, order: str) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    while at + 8 <= len(file):
        size = struct.unpack_from(order + "I", file, at + 4)[0]
        yield file[at : at + 4], file[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
