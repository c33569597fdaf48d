"""The rows of the evaluation about notes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bridge.domain.notes import c_of, midi_of
from bridge.engine.audioldm2.hearing import REACH
from bridge.starter.catalogue import BY_NAME, LOW, TUNED
from bridge.starter.judge import Judge
from bridge.starter.more_rows import shares
from bridge.starter.pitch_measures import off_cents
from bridge.starter.rows import Row

LOW_NOTES = ("c1", "e1", "a1", "c2", "f#2", "a2", "c3", "e3", "g3", "c4")
NOTES = ("c3", "e3", "a#3", "c4", "f#4", "a4", "c5", "d#5", "g5", "c6")
WITHIN_CENTS = 15.0


def note_rows(judge: Judge) -> list[Row]:
    """The share of notes that are right within WITHIN_CENTS, in the right octave, of low and of other tones. A note that a sound does
    not reach is not counted: the reply says that it is left out."""
    low = {name: _right(judge, name, LOW_NOTES) for name in LOW}
    others = [name for name in TUNED if name not in LOW]
    high = {name: _right(judge, name, reached(name)) for name in judge.some(others)}
    within = f"within {WITHIN_CENTS:.0f} cents, octave included but for chords"
    return [
        shares(f"low tones C1–C4 {within}", low, "90 / 97 %"),
        shares(f"other tones C3–C6 {within}", high, "90 / 97 %"),
    ]


def reached(name: str) -> list[str]:
    """Those of NOTES that a sound can be shifted to."""
    down, up = REACH
    return [
        note for note in NOTES if any(down <= midi_of(note) - c_of(octave) <= up for octave in BY_NAME[name].octaves)
    ]


def _right(judge: Judge, name: str, notes: Sequence[str]) -> float:
    noun = BY_NAME[name].nouns[0]
    off = [
        off_cents(judge.finished(noun, note, 700 + number), name, midi_of(note)) for number, note in enumerate(notes)
    ]
    return float(np.mean(np.abs(off) <= WITHIN_CENTS))
