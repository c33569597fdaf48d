"""What a drop means, from its data alone: no file is touched, so that a drag over the window costs next to nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath

from PySide6.QtCore import QMimeData, QUrl

from bridge.domain.learning import SOUND_SUFFIXES

AUDIO = SOUND_SUFFIXES
LISTS = frozenset((".txt", ".toml"))
MOST_FILES = 1_000  # of a drop that are looked at
SUFFIX = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,4}")  # of a file: `Kit v1.2` and `My.Samples` may be folders
NOTHING_HERE = "Drop words, audio files, lists of prompts (.txt, .toml), or a folder of sounds."
NOT_LOCAL = "Only files of this computer can be dropped here: save it first, then drop the file."
UNUSABLE = f"Other files, and several folders at once, cannot be used. {NOTHING_HERE}"


@dataclass(frozen=True, slots=True)
class Words:
    """A text for the prompt field."""

    text: str


@dataclass(frozen=True, slots=True)
class Audio:
    """Audio files, perhaps clips of ours: the daemon reads that in them. `left_out`: files of the drop that are not used."""

    paths: tuple[str, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Lists:
    """Lists of prompts."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Folder:
    """Perhaps a folder of sounds: its name does not tell, and the disk is read after the drop."""

    path: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing that can be used, and why."""

    why: str


Meaning = Words | Audio | Lists | Folder | Nothing


def what_drop_means(mime: QMimeData) -> Meaning:
    """The meaning of what is dragged. URLs come before text: a file that is dragged is also text, its `file://` address."""
    text = mime.text() if mime.hasText() else ""
    urls = mime.urls() if mime.hasUrls() else []
    local, others = _local(urls)
    if not local and text.startswith("file://"):  # browsers put nothing or a blocked address into the list of URLs
        urls = [QUrl(line.strip()) for line in text[:1_000_000].splitlines()]
        local, others = _local(urls)
    if local:
        return _files(local, others)
    if urls:
        return Nothing(NOT_LOCAL)
    text = text.strip()
    if not text or "\0" in text:
        return Nothing(NOTHING_HERE)
    return Words(text)


def _local(urls: list[QUrl]) -> tuple[list[str], int]:
    """The paths of the first MOST_FILES files of this computer, and the number of URLs that are left out."""
    paths = [
        path for url in urls[:MOST_FILES] if url.isLocalFile() and (path := url.toLocalFile()) and "\0" not in path
    ]
    return paths, len(urls) - len(paths)


def _files(paths: list[str], others: int) -> Audio | Lists | Folder | Nothing:
    """The files of the kind of the first one that can be used."""
    audio = tuple(path for path in paths if PurePath(path).suffix.lower() in AUDIO)
    lists = tuple(path for path in paths if PurePath(path).suffix.lower() in LISTS)
    if not audio and not lists:
        is_folder = len(paths) == 1 and not others and (paths[0].endswith("/") or _may_be_folder(paths[0]))
        return Folder(paths[0]) if is_folder else Nothing(UNUSABLE)
    if audio and (not lists or paths.index(audio[0]) < paths.index(lists[0])):
        return Audio(audio, others + len(paths) - len(audio))
    return Lists(lists)


def _may_be_folder(path: str) -> bool:
    return SUFFIX.fullmatch(PurePath(path).suffix) is None


def would_do(meaning: Meaning, on_form: bool = False) -> str:
    """What a drop would do: a sentence to show during the drag."""
    match meaning:
        case Audio(paths) if on_form:
            return f"Start the next clip from {PurePath(paths[0]).name}"
        case Words():
            return "Use these words as the prompt"
        case Audio([path]):
            return f"Use {PurePath(path).name}: start from it, or take its recipe, length or tempo"
        case Audio(paths):
            return f"Use {PurePath(paths[0]).name}, or make {len(paths)} clips again"
        case Lists(paths):
            return "Make what is in this list" if len(paths) == 1 else f"Make what is in these {len(paths)} lists"
        case Folder(path):
            return f"Learn the sounds of {PurePath(path).name}"
        case Nothing(why):
            return why
