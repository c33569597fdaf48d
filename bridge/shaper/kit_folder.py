"""The folder of a kit: claimed first, then filled with samples, finally with the mappings."""

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
from bridge.system import portable

KITS = "kits"  # the sub-folder of the sample folder
MAX_KITS = 9_999  # with one name


def answer(message: Claim | Map | Leave, sink: FolderSink) -> Claimed | Mapped | None:
    """Handle a message and return the answer, if it has one. Does not raise on disk errors."""
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
    """Create a new sub-folder named after `slug`. Raises FolderError."""
    with sentence(sink.folder):
        if not sink.folder.is_dir():
            raise FileNotFoundError(errno.ENOENT, "is gone")
        (sink.folder / KITS).mkdir(exist_ok=True)
        for number in range(1, MAX_KITS + 1):
            folder = sink.folder / KITS / (slug if number == 1 else f"{slug}-{number}")
            with contextlib.suppress(FileExistsError):
                folder.mkdir()
                return folder
    raise FolderError(f"There are {MAX_KITS} kits named {slug} in {sink.folder / KITS}; choose another name.")


def write(sink: FolderSink, message: Map) -> dict[str, str]:
    """Write all mappings and return their paths by format. Samples that have been removed are left out. Raises FolderError."""
    folder = sink.folder / message.folder
    zones = tuple(zone for zone in message.kit.zones if (folder / zone.file).is_file())
    if not zones:
        raise FolderError(f"The samples of the kit are no longer in {folder}.")
    kit = dataclasses.replace(message.kit, zones=zones)
    paths = {}
    for name, (file_name, text) in FORMATS.items():
        data = text(kit).encode("utf-8")
        names = _names(file_name.format(slug=kit.slug))
        path = sink.deliver(data, _same(data), message.folder, names)
        paths[name] = _in_place_of(message.written.get(name, ""), path).as_posix()
    return paths


def _in_place_of(written: str, new: Path) -> Path:
    """Replace a mapping that was written before. Returns the new one's path: its own if a sampler keeps the old one open."""
    if not written or not Path(written).is_file():
        return new
    try:
        portable.replace(new, Path(written))
    except OSError:
        return new
    return Path(written)


def _same(data: bytes) -> Callable[[Path], None]:
    def check(file: Path) -> None:
        if file.read_bytes() != data:
            raise OSError(errno.EIO, "does not read back as written")

    return check


def _names(name: str) -> Iterator[str]:
    """`name`, then numbered ones in case the name is taken."""
    stem, _, suffix = name.rpartition(".")
    return itertools.chain((name,), (f"{stem}-{number}.{suffix}" for number in itertools.count(2)))
