"""Words for a sound, from the names of its file and folders."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from bridge.domain.words import folded, words_in_name
from bridge.files.names import plain

MOST_WORDS = 6
MOST_WRITTEN = 12  # of the words that somebody wrote down
MOST_FOLDERS = 2  # above a file whose names are read
MAX_TEXT_CHARACTERS = 1_000

# Parts of a name: `HatSemiOpen` is hat, semi, open; `24Ride-1` is 24, ride, 1; `GMRockKit` is gm, rock, kit.
PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
WRITTEN = re.compile(r"[a-z0-9]+")
MACHINES = frozenset(("303", "505", "606", "626", "707", "727", "808", "909"))  # numbers that say how something sounds
# What sample packs call their sounds, in the words that a prompt has.
OTHER_NAMES = {
    "bd": "kick",
    "bassdrum": "kick",
    "kik": "kick",
    "sd": "snare",
    "sn": "snare",
    "snr": "snare",
    "hh": "hat",
    "hihat": "hat",
    "ch": "closed hat",
    "chh": "closed hat",
    "oh": "open hat",
    "ohh": "open hat",
    "cp": "clap",
    "clp": "clap",
    "rs": "rimshot",
    "rim": "rimshot",
    "cb": "cowbell",
    "cy": "cymbal",
    "cym": "cymbal",
    "cr": "crash",
    "rd": "ride",
    "lt": "low tom",
    "mt": "mid tom",
    "ht": "high tom",
    "perc": "percussion",
    "vox": "voice",
    "fx": "effect",
}
# How hard or from where one sound was recorded: files that differ in these alone are versions of one sound.
LAYERS = frozenset((
    "l", "r", "left", "right", "mono", "stereo", "soft", "softer", "softest", "medium", "med", "hard", "harder", "hardest", "loud", "quiet",
    "vel", "velocity", "layer", "rr", "robin", "copy", "take", "version", "close", "far", "room", "dry", "wet",
))  # fmt: skip
# Words of names that say nothing about the sound.
EMPTY = LAYERS - {"soft", "hard", "loud", "quiet", "dry", "wet"} | frozenset((
    "wav", "wave", "aif", "aiff", "flac", "mp3", "ogg", "audio", "sample", "samples", "sound", "sounds", "drumkit", "drumkits", "oneshot",
    "oneshots", "one", "shot", "shots", "the", "of", "and", "new", "final", "bpm", "khz", "bit", "usr", "share", "data",
))  # fmt: skip


def words_of_file(path: str, root: str) -> tuple[str, ...]:
    """The words for a file, those of its name first, then those of the folders above it. `path`: relative to the folder that is learned,
    with `/`; `root`: the name of that folder."""
    file = PurePosixPath(path)
    folders = [root, *file.parent.parts][-MOST_FOLDERS:]
    words: dict[str, None] = {}
    for name in (words_in_name(file.name), *reversed(folders)):
        for word in _words_in(name):
            words.setdefault(word)
    return tuple(words)[:MOST_WORDS]


def written_words(text: str) -> tuple[str, ...]:
    """The words in a text that somebody wrote about a sound, in their order."""
    plainly = plain(folded(text[:MAX_TEXT_CHARACTERS])).lower()
    return tuple(dict.fromkeys(WRITTEN.findall(plainly)))[:MOST_WRITTEN]


def sound_of(path: str) -> str:
    """What the versions of one sound have in common: the folder, and the name without how hard or from where it was recorded."""
    file = PurePosixPath(path)
    parts = [part.lower() for part in PART.findall(plain(file.stem))]
    # The number behind such a word belongs to it: vel3, rr2.
    kept = [
        part
        for before, part in zip(["", *parts], parts, strict=False)
        if part not in LAYERS and not (part.isdecimal() and before in LAYERS)
    ]
    return f"{file.parent}/{'-'.join(kept)}"


def _words_in(name: str) -> list[str]:
    words: list[str] = []
    for part in PART.findall(plain(name)):
        word = part.lower()
        if (len(word) > 1 and not word.isdecimal() and word not in EMPTY) or word in MACHINES:
            words += [word, *OTHER_NAMES.get(word, "").split()]
    return words
