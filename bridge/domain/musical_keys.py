"""Names of musical keys: "c", "f#m", "eb minor", "B flat major"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bridge.domain.notes import NAMES

KEY = re.compile(
    r"([A-Ga-g])[\s-]*(#|s(?!h)|b|sharp|flat)?[\s-]*(m|M|min|minor|maj|major)?", re.ASCII
)  # M is major, m is minor
MAJORS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")  # the usual spellings
MINORS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")


@dataclass(frozen=True, slots=True)
class Key:
    """A root and a mode. `root`: the pitch class, 0 is C; `mode`: "major", "minor", or "" if unstated."""

    root: int
    mode: str = ""

    @property
    def name(self) -> str:
        """The name in replies and file names: "f#m", "c"."""
        return self._root.lower() + ("m" if self.mode == "minor" else "")

    @property
    def words(self) -> str:
        """The name in a prompt: "F# minor", "C"."""
        return f"{self._root} {self.mode}".rstrip()

    @property
    def _root(self) -> str:
        return (MINORS if self.mode == "minor" else MAJORS)[self.root]


def key_of(text: str) -> Key:
    """The key of a name like "c", "F#m", "eb minor" or "A flat major". Raises ValueError for anything else."""
    cleaned = text.strip().replace("♯", "#").replace("♭", "b")
    match = KEY.fullmatch(cleaned) or KEY.fullmatch(cleaned.lower())
    if match is None:
        raise ValueError(f"{text[:20]!r} is not a key; write it like c, f#m or eb minor")
    letter, sign, mode = match.groups()
    step = {None: 0, "b": -1, "flat": -1}.get(sign, 1)
    named = {None: "", "m": "minor", "min": "minor", "minor": "minor"}.get(mode, "major")
    return Key((NAMES.index(letter.lower()) + step) % 12, named)
