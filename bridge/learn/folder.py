"""Read a folder of sounds, and say what was left out, and why."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import BadArgument, BadAudio
from bridge.learn.course import RATE, Sample
from bridge.learn.held_out import held_out
from bridge.learn.listing import LeftOut, Listing, check_enough, gone, list_folder
from bridge.learn.sound import Samples, read_sound
from bridge.learn.words import words_of_file

MOST_SECONDS = 1_800.0  # of all sounds: 320 MB

OnFile = Callable[[int, int], None]
"""Called with the number of files that were read, and of all."""


@dataclass(frozen=True, slots=True)
class Sounds:
    """`samples`: of `files` files; `left_out`: those that are not learned from; `others`: files that are not sound; `faults`: lists of
    words that cannot be read."""

    samples: tuple[Sample, ...]
    files: int
    left_out: tuple[LeftOut, ...]
    others: int
    faults: tuple[LeftOut, ...]

    @property
    def seconds(self) -> float:
        """The length of all samples."""
        return sum(len(sample.samples) for sample in self.samples) / RATE


def read_folder(folder: Path, skip: Path | None = None, on_file: OnFile = lambda done, total: None) -> Sounds:
    """Read all sounds of a folder. `skip`: a folder in it that is left out. Raises FolderError if it is gone, BadArgument if it has too
    few sounds, or too many."""
    listing = list_folder(folder, skip)
    windows, left_out = _read(folder, listing, on_file)
    check_enough(folder, len(windows))
    out = held_out(list(windows))
    samples = [
        Sample(file, window, listing.words.get(file) or words_of_file(file, folder.name), file in out)
        for file, sounds in windows.items()
        for window in sounds
    ]
    return Sounds(tuple(samples), len(windows), tuple(left_out), listing.others, listing.faults)


def _read(folder: Path, listing: Listing, on_file: OnFile) -> tuple[dict[str, list[Samples]], list[LeftOut]]:
    """The windows of each file, in the order of their names; and the files that are left out."""
    windows: dict[str, list[Samples]] = {}
    known: dict[bytes, str] = {}
    left_out: list[LeftOut] = []
    seconds = 0.0
    # In an order that looks like chance: where there is more than fits, some of everything is learned.
    order = sorted(listing.sounds, key=lambda file: hashlib.sha256(file.encode()).digest())
    for done, file in enumerate(order):
        on_file(done, len(order))
        if seconds >= MOST_SECONDS:
            left_out.append(LeftOut(file, f"the folder has more than {MOST_SECONDS / 60:.0f} minutes of sound"))
            continue
        path = folder / file
        try:
            sounds = read_sound(path)
        except (BadAudio, BadArgument) as error:
            if not folder.is_dir():
                raise gone(folder) from error
            why = str(error).removeprefix(f"{path.name} cannot be read: ").removesuffix(".")
            left_out.append(LeftOut(file, why if path.exists() else "it is gone"))
            continue
        digest = hashlib.blake2b(b"".join(window.tobytes() for window in sounds), digest_size=16).digest()
        if (same := known.setdefault(digest, file)) != file:
            left_out.append(LeftOut(file, f"it is the same as {same}"))
            continue
        windows[file] = sounds
        seconds += sum(map(len, sounds)) / RATE
    on_file(len(order), len(order))
    return dict(sorted(windows.items())), sorted(left_out, key=lambda one: one.file)
