"""Names of notes: "c4" is middle C, MIDI 60; "#" or "s" raises, "b" lowers by a semitone."""

from __future__ import annotations

import re

NOTE = re.compile(r"([a-g])(#|b|s)?(-1|\d)")
NAMES = ("c", "c#", "d", "d#", "e", "f", "f#", "g", "g#", "a", "a#", "b")
HIGHEST = 127  # MIDI


def midi_of(note: str) -> int:
    """The MIDI number of a note like "c3", "A#4" or "eb2". Raises ValueError for anything else."""
    match = NOTE.fullmatch(note.strip().lower().replace("♯", "#").replace("♭", "b"))
    if match is None:
        raise ValueError(f"{note[:20]!r} is not a note; write it like c3, a#4 or eb2")
    letter, sign, octave = match.groups()
    midi = c_of(int(octave)) + NAMES.index(letter) + {None: 0, "b": -1}.get(sign, 1)
    if not 0 <= midi <= HIGHEST:
        raise ValueError(f"{note[:20]!r} is out of range; notes go from c-1 to g9")
    return midi


def name_of(midi: int) -> str:
    """The name of a MIDI number in 0…127, with sharps: 61 is "c#4"."""
    return f"{NAMES[midi % 12]}{midi // 12 - 1}"


def c_of(octave: int) -> int:
    """The MIDI number of the C of an octave: 60 is C4."""
    return 12 * (octave + 1)


def frequency_of(midi: float) -> float:
    """Hz of a MIDI note number; 69 is A4 = 440 Hz."""
    return 440.0 * 2.0 ** ((midi - 69) / 12)
