"""The folder of a kit: claimed for it alone, then filled with samples, last with the mappings."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

from bridge.errors import FolderError
from bridge.files.folder import FolderSink, sentence
from bridge.files.mappings import FORMATS
from bridge.shaper.messages import Claim, Claimed, Leave, Map, Mapped

KITS = "kits"  # the sub-folder of the sample folder
MOST = 9_999  # kits of one name


def answer(message: Claim | Map | Leave, sink: FolderSink) -> Claimed | Mapped | None:
    """Do what the front says; None if it waits for no answer. Raises nothing that a disk can do."""
    if isinstance(message, Leave):
        with contextlib.suppress(OSError):
            (sink.folder / message.folder).rmdir()  # only if it is empty
        return None
    try:
        if isinstance(message, Claim):
            folder = claim(sink, message.slug)
            return Claimed(message.number, f"{KITS}/{folder.name}", folder.as_posix())
        return Mapped(message.number, write(sink, message))
    except FolderError as error:
        why = str(error)
        return Claimed(message.number, "", "", why) if isinstance(message, Claim) else Mapped(message.number, {}, why)


def claim(sink: FolderSink, slug: str) -> Path:
    """A new sub-folder, named after `slug`, that was not there before. Raises FolderError."""
    with sentence(sink.folder):
        if not sink.folder.is_dir():
            raise FileNotFoundError(errno.ENOENT, "is gone")
        (sink.folder / KITS).mkdir(exist_ok=True)
        for number in range(1, MOST + 1):
            folder = sink.folder / KITS / (slug if number == 1 else f"{slug}-{number}")
            with contextlib.suppress(FileExistsError):
                folder.mkdir()
                return folder
    raise FolderError(f"There are {MOST} kits of the name {slug} in {sink.folder / KITS}; choose another name.")


def write(sink: FolderSink, message: Map) -> dict[str, str]:
    """Write all mappings; returns their paths by format. Samples that somebody took away meanwhile are left out. Raises
    FolderError."""
    folder = sink.folder / message.folder
    there = tuple(zone for zone in message.kit.zones if (folder / zone.file).is_file())
    if not there:
        raise FolderError(f"The samples of the kit are no longer in {folder}.")
    kit = dataclasses.replace(message.kit, zones=there)
    paths = {}
    for name, (file_name, text) in FORMATS.items():
        data = text(kit).encode("utf-8")
        names = _names(file_name.format(slug=kit.slug))
        paths[name] = sink.deliver(data, _same(data), message.folder, names).as_posix()
    return paths


def _same(data: bytes) -> Callable[[Path], None]:
    def check(file: Path) -> None:
        if file.read_bytes() != data:
            raise OSError(errno.EIO, "does not read back as written")

    return check


def _names(name: str) -> Iterator[str]:
    """The name itself, and others should somebody have put a file of that name there."""
    stem, _, suffix = name.rpartition(".")
    return itertools.chain((name,), (f"{stem}-{number}.{suffix}" for number in itertools.count(2)))
