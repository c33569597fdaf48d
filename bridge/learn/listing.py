"""What is in a folder that should be learned: its sounds, and what somebody wrote about them. Links to folders are not followed."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bridge.domain.learning import LEAST_SOUNDS, MOST_SOUNDS, SOUND_SUFFIXES
from bridge.errors import BadArgument, FolderError
from bridge.learn.words import MAX_TEXT_CHARACTERS, written_words
from bridge.system.text import text_of

LIST = "words.csv"
TEXT = ".txt"
MOST_ENTRIES = 50_000
MOST_FOLDERS = 5_000
MAX_LIST_BYTES = 1_000_000
KINDS = "WAV, AIFF, FLAC, MP3 or OGG"

Words = dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file of the folder that is not used."""

    file: str
    why: str


@dataclass(frozen=True, slots=True)
class Listing:
    """`sounds`: the audio files, sorted; `words`: those that somebody wrote, by file; both relative to the folder, with `/`. `others`: the
    number of files that are neither. `faults`: the lists of words that cannot be read."""

    sounds: tuple[str, ...]
    words: Words
    others: int
    faults: tuple[LeftOut, ...]


def list_folder(folder: Path, skip: Path | None = None) -> Listing:
    """List a folder and those below it. `skip`: a folder that is left out. Raises FolderError if it is gone, BadArgument if it has
    too few sounds to learn from, or too many."""
    sounds, texts, lists, others = list[str](), list[str](), list[str](), 0
    for path in _walk(folder, skip):
        suffix = PurePosixPath(path).suffix.lower()
        if suffix in SOUND_SUFFIXES:
            sounds.append(path)
        elif suffix == TEXT:
            texts.append(path)
        elif PurePosixPath(path).name.lower() == LIST:
            lists.append(path)
        else:
            others += 1
    if len(sounds) > MOST_SOUNDS:
        raise BadArgument(
            f"{folder} has {len(sounds):,} sounds, and at most {MOST_SOUNDS:,} are learned at a time: choose a folder in it."
        )
    if not sounds and (others or texts):
        raise BadArgument(f"There is no sound in {folder}: none of its files is {KINDS}.")
    check_enough(folder, len(sounds))
    words, faults = _written(folder, sorted(sounds), texts, lists)
    return Listing(tuple(sorted(sounds)), words, others + len(texts) - len(words.keys() & set(texts)), faults)


def check_enough(folder: Path, count: int) -> None:
    """Raises BadArgument if `count` sounds are too few to learn from."""
    if count == 0:
        raise BadArgument(f"There is no sound in {folder}.")
    if count < LEAST_SOUNDS:
        sounds = "1 sound" if count == 1 else f"{count} sounds"
        raise BadArgument(
            f"{folder} has {sounds} that can be used, too few to learn from. Start from one of them instead: "
            'clipbridge generate "" --vary FILE, or --continue FILE.'
        )


def _walk(folder: Path, skip: Path | None) -> Iterator[str]:
    """The paths of files, without those that are hidden. Raises FolderError, BadArgument."""
    root, pending = str(folder), [str(folder)]
    entries = folders = 0
    while pending:
        place = pending.pop()
        try:
            with os.scandir(place) as listed:
                for entry in listed:
                    entries += 1
                    if entries > MOST_ENTRIES or folders > MOST_FOLDERS:
                        raise BadArgument(
                            f"{folder} has more than {MOST_ENTRIES:,} files or {MOST_FOLDERS:,} folders: choose one in it."
                        )
                    if entry.name.startswith((".", "__MACOSX")) or not _is_text(entry.name):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        folders += 1
                        if skip is None or Path(entry.path) != skip:
                            pending.append(entry.path)
                    elif not entry.is_dir():
                        yield os.path.relpath(entry.path, root).replace(os.sep, "/")
        except OSError as error:
            if place == root:
                raise gone(folder, error) from error
            continue  # it was removed meanwhile, or may not be read


def gone(folder: Path, error: OSError | None = None) -> FolderError:
    """The error for a folder that cannot be read."""
    why = "is gone" if error is None or isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
    return FolderError(f"{folder} {why}. Put it back, and send the same again.")


def _written(folder: Path, sounds: list[str], texts: list[str], lists: list[str]) -> tuple[Words, tuple[LeftOut, ...]]:
    """The words that somebody wrote, by file: a text beside it goes before a list."""
    by_name = {str(PurePosixPath(sound).with_suffix("")).lower(): sound for sound in reversed(sounds)}
    by_name |= {sound.lower(): sound for sound in sounds}
    words: Words = {}
    faults: list[LeftOut] = []
    for path in sorted(lists, key=lambda path: path.count("/")):  # that of a folder goes before those above it
        try:
            for name, text in _rows(folder / path):
                key = str(PurePosixPath(path).parent / name.replace("\\", "/")).lower()
                if (sound := by_name.get(key)) is not None and (found := written_words(text)):
                    words[sound] = found
        except (OSError, ValueError, csv.Error) as error:
            faults.append(LeftOut(path, str(error)))
    for path in texts:
        sound = by_name.get(str(PurePosixPath(path).with_suffix("")).lower())
        try:
            if sound is not None and (found := written_words(_text(folder / path, 4 * MAX_TEXT_CHARACTERS))):
                words[sound] = found
        except (OSError, ValueError) as error:
            faults.append(LeftOut(path, str(error)))
    return words, tuple(faults)


def _rows(file: Path) -> list[tuple[str, str]]:
    """The rows `file, words …` of a list, whatever separates them. Raises OSError, ValueError, csv.Error."""
    lines = _text(file, MAX_LIST_BYTES).splitlines()
    separator = max(",;\t", key=lambda one: sum(one in line for line in lines))
    return [(row[0].strip(), " ".join(row[1:])) for row in csv.reader(lines, delimiter=separator) if len(row) > 1]


def _text(file: Path, most_bytes: int) -> str:
    """Raises OSError, ValueError."""
    if not file.is_file():  # a pipe
        raise ValueError("it is not a file")
    with file.open("rb") as opened:
        data = opened.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise ValueError(f"it has more than {most_bytes:,} bytes")
    return text_of(data)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
