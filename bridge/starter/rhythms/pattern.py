"""Hits in time: patterns of sixteenths, how busy they are, and how they swing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from bridge.starter.sounds.parts import Attributes

BEATS_PER_BAR, BARS = 4, 4  # a form is four bars, of which the last may end with a fill
STEPS = 16  # sixteenths of a bar
# Marks of a step: an accent, a hit, a hit that a sparse pattern leaves out, and a soft one that only a busy pattern has.
VELOCITIES = {"X": 1.0, "o": 0.75, "-": 0.55, "g": 0.35}
SPARSE, BUSY = -0.25, 0.25  # as the captions have it
KEEP_TIME = ("closed_hat", "shaker", "ride", "tambourine")  # thinned in a sparse pattern
FILLED_UP = (
    "closed_hat",
    "shaker",
)  # the first of them plays the other sixteenths of a busy pattern; the rest rings too long
GHOSTS, GHOST_STEPS = 3, (1, 3, 5, 7, 9, 11, 13, 15)  # soft hits that a busy pattern adds, and where they may be
SWINGS = 0.25  # from which on swing is audible
OFF_STEPS = 3  # hits on odd sixteenths of a bar from which on the sixteenths swing, instead of the eighths


@dataclass(frozen=True, slots=True)
class Hit:
    """A part plays at `beat` (quarter notes from the beginning of the form) with a velocity of 0 to 1; tones have `semitones` above
    their C and last `beats`."""

    beat: float
    part: str
    velocity: float
    semitones: int = 0
    beats: float = 0.0


def hits_of_bar(rng: np.random.Generator, steps: Mapping[str, str], a: Attributes, ghosts: str = "") -> list[Hit]:
    """One straight bar from a string of STEPS marks for each part. A busy one gets more hits of a part that keeps time, and soft ones
    of the part `ghosts`."""
    bar, full = [], next((part for part in FILLED_UP if part in steps), "")
    for part, marks in steps.items():
        played = {
            step: VELOCITIES[mark]
            for step, mark in enumerate(marks)
            if not (mark == "." or (mark == "-" and a.density < SPARSE) or (mark == "g" and a.density < BUSY))
        }
        if part in KEEP_TIME and a.density < SPARSE:
            played = _thinned(played, a.swing > SWINGS)
        elif part == full and a.density > BUSY:
            played = {step: VELOCITIES["g"] for step in range(STEPS) if step % 4 != 0} | played
        if part == ghosts and a.density > BUSY and part != full:
            free = [step for step in GHOST_STEPS if step not in played]
            played |= dict.fromkeys(sorted(rng.permutation(free)[:GHOSTS].tolist()), VELOCITIES["g"])
        bar += [
            Hit(step / 4, part, velocity * float(rng.uniform(0.92, 1.0))) for step, velocity in sorted(played.items())
        ]
    return bar


def _thinned(played: dict[int, float], swings: bool) -> dict[int, float]:
    """Sixteenths become eighths, eighths quarters unless it `swings`; a pattern of few hits stays as it is."""
    if len(played) < 7:
        return played
    every = 2 if swings or (any(step % 2 for step in played) and len(played) > 8) else 4
    kept = {step: velocity for step, velocity in played.items() if step % every == 0}
    return played if swings and not any(step % 4 for step in kept) else kept


def swung(beat: float, swing: float, eighths: bool) -> float:
    """The beat at which something straight falls: the second of two sixteenths, or of two `eighths`, comes late, up to the last third
    of the two at full swing; what is between moves along."""
    pair = 1.0 if eighths else 0.5
    start = beat // pair * pair
    place = (beat - start) / pair
    middle = 1 / 2 + swing / 6
    return start + pair * (place * 2 * middle if place <= 0.5 else middle + (place - 0.5) * 2 * (1 - middle))


def eighths_swing(hits: list[Hit]) -> bool:
    """Whether the eighths swing: true if a bar has hardly any hits between them."""
    odd = {round(hit.beat * 4) for hit in hits if hit.beat < BEATS_PER_BAR and round(hit.beat * 4, 3) % 2 == 1}
    return len(odd) < OFF_STEPS


def form(bars: list[list[Hit]], swing: float) -> list[Hit]:
    """Straight bars one after another, swung."""
    hits = [replace(hit, beat=hit.beat + number * BEATS_PER_BAR) for number, bar in enumerate(bars) for hit in bar]
    if swing <= 0:
        return hits
    eighths = eighths_swing(hits)

    def late(hit: Hit) -> Hit:
        begin, end = (swung(beat, swing, eighths) for beat in (hit.beat, hit.beat + hit.beats))
        return replace(hit, beat=begin, beats=end - begin if hit.beats else 0.0)

    return [late(hit) for hit in hits]


def with_fill(bar: list[Hit], part: str) -> list[Hit]:
    """The bar with four rising hits of a part in its last beat, instead of what else but the kick plays there."""
    kept = [hit for hit in bar if hit.beat < 3 or hit.part == "kick"]
    return kept + [Hit(3 + step / 4, part, 0.5 + 0.15 * step) for step in range(4)]
