"""Hits in time: patterns of sixteenths, how busy they are, and how they swing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bridge.starter.sounds.parts import Attributes

BEATS_PER_BAR, BARS = 4, 4  # a form is four bars, of which the last may end with a fill
STEPS = 16  # sixteenths of a bar
# Marks of a step: an accent, a hit, a hit that a sparse pattern leaves out, and a soft one that only a busy pattern has.
VELOCITIES = {"X": 1.0, "o": 0.75, "-": 0.55, "g": 0.35}
SPARSE, BUSY = -0.33, 0.33
TRIPLET = 1 / 3 - 1 / 4  # beats by which the second and fourth sixteenth of a beat come late at full swing


@dataclass(frozen=True, slots=True)
class Hit:
    """A part plays at `beat` (quarter notes from the beginning of the form) with a velocity of 0 to 1; tones have `semitones` above
    their C and last `beats`."""

    beat: float
    part: str
    velocity: float
    semitones: int = 0
    beats: float = 0.0


def hits_of_bar(
    rng: np.random.Generator, steps: Mapping[str, str], a: Attributes, tuned: Mapping[str, int] | None = None
) -> list[Hit]:
    """One bar from a string of STEPS marks for each part."""
    hits = []
    for part, marks in steps.items():
        for step, mark in enumerate(marks):
            if mark == "." or (mark == "-" and a.density < SPARSE) or (mark == "g" and a.density < BUSY):
                continue
            velocity = VELOCITIES[mark] * float(rng.uniform(0.92, 1.0))
            hits.append(Hit(swung(step / 4, a.swing), part, velocity, (tuned or {}).get(part, 0)))
    return hits


def swung(beat: float, swing: float) -> float:
    """Where a sixteenth falls: every second one late, by up to TRIPLET."""
    return beat + (TRIPLET * swing if round(beat * 4) % 2 else 0.0)


def form(bars: list[list[Hit]]) -> list[Hit]:
    """Four bars one after another."""
    return [
        Hit(hit.beat + number * BEATS_PER_BAR, hit.part, hit.velocity, hit.semitones, hit.beats)
        for number, bar in enumerate(bars)
        for hit in bar
    ]


def with_fill(bar: list[Hit], part: str, swing: float) -> list[Hit]:
    """The bar with four rising hits of a part in its last beat, instead of what else but the kick plays there."""
    kept = [hit for hit in bar if hit.beat < 3 or hit.part == "kick"]
    return kept + [Hit(swung(3 + step / 4, swing), part, 0.5 + 0.15 * step) for step in range(4)]
