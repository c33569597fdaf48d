"""Which sounds are held out: a tenth of them, by which learning is told from learning by heart."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

from bridge.learn.words import sound_of

SHARE = 0.12
LARGEST_SHARE = 1 / 3  # of all files, at most


def held_out(files: Sequence[str]) -> frozenset[str]:
    """The files that are held out, at least one of two or more: the same whenever the folder is read again. Versions of one sound are on
    one side, since a version of what was learned says nothing. `files`: paths relative to the folder, with `/`."""
    sounds: dict[str, list[str]] = {}
    for file in files:
        sounds.setdefault(sound_of(file), []).append(file)
    return frozenset(_chosen(list(sounds.values()), len(files)) or _chosen([[file] for file in files], len(files)))


def _chosen(sounds: list[list[str]], count: int) -> list[str]:
    """Files of sounds in an order that looks like chance, as many as should be held out; none if each sound has too many."""
    wanted, most = math.ceil(SHARE * count), math.floor(LARGEST_SHARE * count)
    chosen: list[str] = []
    for sound in sorted(sounds, key=lambda sound: hashlib.sha256(min(sound).encode("utf-8", "replace")).digest()):
        if len(chosen) < wanted and len(chosen) + len(sound) <= max(1, most):
            chosen += sound
    return chosen if count > 1 else []
