"""A folder that was dropped: how many sounds are in it. The disk may be slow: called on another thread."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import PurePath

from bridge.domain.learning import LEAST_SOUNDS, SOUND_SUFFIXES

MOST_ENTRIES = 20_000
MOST_S = 3.0


@dataclass(frozen=True, slots=True)
class SoundFolder:
    """`sounds`: their number; None if it is not a folder. `is_whole`: all of it was looked at."""

    path: str
    sounds: int | None
    is_whole: bool = True

    @property
    def count(self) -> str:
        """The number of sounds in words: 232, or more than 9000."""
        return f"{self.sounds}" if self.is_whole else f"more than {self.sounds}"

    @property
    def why(self) -> str:
        """Why it cannot be learned; "" if it can."""
        name = PurePath(self.path).name[:80]
        if self.sounds is None:
            return f"{name} cannot be used. Drop words, audio files, lists of prompts (.txt, .toml), or a folder of sounds."
        if not self.sounds:
            return f"There is no sound in {name}."
        if self.sounds < LEAST_SOUNDS:
            few = "1 sound" if self.sounds == 1 else f"{self.sounds} sounds"
            return f"{name} has {few}, too few to learn from. Drop one of them, and vary or continue it."
        return ""


def look(path: str) -> SoundFolder:
    """Count the sounds in a folder and below it, as far as that takes a moment. Links to folders are not followed."""
    if not os.path.isdir(path):
        return SoundFolder(path, None)
    pending, sounds, entries, end = [path], 0, 0, time.monotonic() + MOST_S
    while pending:
        try:
            with os.scandir(pending.pop()) as listed:
                for entry in listed:
                    entries += 1
                    if entries > MOST_ENTRIES or time.monotonic() > end:
                        return SoundFolder(path, sounds, is_whole=False)
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    elif PurePath(entry.name).suffix.lower() in SOUND_SUFFIXES:
                        sounds += 1
        except OSError:  # it was removed, or may not be read
            continue
    return SoundFolder(path, sounds)
