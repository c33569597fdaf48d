"""Lines of tones in C: bass lines, arpeggios, chords and melodies, on the grid."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bridge.starter.rhythms.pattern import BARS, BUSY, SPARSE, Hit, form, swung
from bridge.starter.sounds.parts import Attributes

Lines = Callable[[np.random.Generator, Attributes], list[Hit]]
TONE = "tone"
SCALES = {"minor": (0, 2, 3, 5, 7, 8, 10), "major": (0, 2, 4, 5, 7, 9, 11)}
PENTATONIC = {"minor": (0, 3, 5, 7, 10, 12), "major": (0, 2, 4, 7, 9, 12)}
# Degrees of the scale on which the chords of four bars stand.
PROGRESSIONS = {"minor": ((0, 5, 2, 6), (0, 3, 5, 4), (0, 6, 5, 6), (0, 0, 5, 6)), "major": ((0, 4, 5, 3), (0, 5, 3, 4), (0, 3, 0, 4), (0, 2, 3, 4))}  # fmt: skip
BASS_STEPS = (
    "X.-.X.-.X.-.X.-.",
    "X..X..X.X..X..X.",
    "..X...X...X...X.",
    "X.XX.-X.X.X..-X.",
    "X-X-X-X-X-X-X-X-",
    "X.....X...X..-..",
)
CHORD_STEPS = (
    "X...............",
    "X.......X.......",
    "X..X..X.........",
    "..X...X...X...X.",
    "X..X....X..X....",
    "X.....X.....X...",
)
MELODY_STEPS = ("X.-.X...X.-.....", "X..X..X.-...X...", "..X.X.-.X...-.X.", "X...X...X.X.X...")
ORDERS = ((0, 1, 2, 3), (3, 2, 1, 0), (0, 1, 2, 3, 2, 1), (0, 2, 1, 3))


def bass_line(rng: np.random.Generator, a: Attributes) -> list[Hit]:
    """Root, fifth, seventh and octave below a chord; the same in each bar but for the root of the fourth."""
    scale = SCALES[a.chord]
    places = _places(rng, BASS_STEPS, a)
    jumps = [int(rng.choice((0, 0, 0, 12, 7, scale[6] - 12))) for _ in places]
    jumps[0] = 0
    roots = (0, 0, 0, int(rng.choice((0, scale[5] - 12, scale[3])))) if a.density > 0 else (0, 0, 0, 0)
    return form([[_hit(place, root + jump, places, number) for number, (place, jump) in enumerate(zip(places, jumps, strict=True))] for root in roots])  # fmt: skip


def arpeggio(rng: np.random.Generator, a: Attributes) -> list[Hit]:
    """The tones of a chord one after another, in eighths or sixteenths."""
    scale, order = SCALES[a.chord], ORDERS[rng.integers(len(ORDERS))]
    step = 0.5 if a.density < SPARSE or (a.density < BUSY and rng.random() < 0.5) else 0.25
    degrees = PROGRESSIONS[a.chord][rng.integers(4)] if rng.random() < 0.6 else (0, 0, 0, 0)
    bars = []
    for degree in degrees:
        tones = [_degree(scale, degree + third) for third in (0, 2, 4)] + [_degree(scale, degree) + 12]
        bars.append(
            [
                Hit(swung(number * step, a.swing), TONE, 1.0 if number % 4 == 0 else 0.75, tones[order[number % len(order)]], step)
                for number in range(round(4 / step))
            ]
        )  # fmt: skip
    return form(bars)


def chord_progression(rng: np.random.Generator, a: Attributes) -> list[Hit]:
    """A chord of three tones for each bar."""
    scale, places = SCALES[a.chord], _places(rng, CHORD_STEPS, a)
    bars = []
    for degree in PROGRESSIONS[a.chord][rng.integers(4)]:
        tones = [_degree(scale, degree + third) for third in (0, 2, 4)]
        tones = [tone - 12 if tone > 9 else tone for tone in tones]
        bars.append([_hit(place, tone, places, number) for number, place in enumerate(places) for tone in tones])
    return form(bars)


def melody(rng: np.random.Generator, a: Attributes) -> list[Hit]:
    """A walk over five tones: a motif of a bar, again, and an answer."""
    tones = PENTATONIC[a.chord]
    motif, answer = (_walk(rng, a, tones) for _ in range(2))
    return form([motif, answer, motif, answer])


def _walk(rng: np.random.Generator, a: Attributes, tones: tuple[int, ...]) -> list[Hit]:
    places, at, hits = _places(rng, MELODY_STEPS, a), int(rng.integers(len(tones))), []
    for number, place in enumerate(places):
        hits.append(_hit(place, tones[at], places, number))
        at = int(np.clip(at + rng.integers(-2, 3), 0, len(tones) - 1))
    return hits


def _places(rng: np.random.Generator, patterns: tuple[str, ...], a: Attributes) -> list[float]:
    marks = str(rng.choice(patterns))
    steps = [step for step, mark in enumerate(marks) if mark == "X" or (mark == "-" and a.density > SPARSE)]
    if a.density > BUSY:
        steps = sorted({*steps, *(int(step) for step in rng.choice(16, 2, replace=False))})
    return [swung(step / 4, a.swing) for step in steps]


def _hit(place: float, semitones: int, places: list[float], number: int) -> Hit:
    until = places[number + 1] if number + 1 < len(places) else float(BARS)
    return Hit(place, TONE, 1.0 if number == 0 else 0.8, semitones, until - place)


def _degree(scale: tuple[int, ...], degree: int) -> int:
    return scale[degree % 7] + 12 * (degree // 7)
