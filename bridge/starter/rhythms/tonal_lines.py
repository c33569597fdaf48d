"""Lines of tones in C: bass lines, arpeggios, chords and melodies, on the grid."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bridge.starter.rhythms.pattern import BEATS_PER_BAR, BUSY, SPARSE, SWINGS, Hit, form
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
    """Root, fifth, seventh and octave; the same in each bar but for the root of the fourth. Not below the C: lower tones are not held
    by the spectrogram."""
    scale = SCALES[_key(a)]
    places = _places(rng, BASS_STEPS, a)
    jumps = [int(rng.choice((0, 0, 0, 12, 7, scale[6]))) for _ in places]
    jumps[0] = 0
    last = int(rng.choice((0, scale[3], scale[4]))) if a.density > 0 else 0
    return form([[_hit(place, root + jump, places, number) for number, (place, jump) in enumerate(zip(places, jumps, strict=True))] for root in (0, 0, 0, last)], a.swing)  # fmt: skip


def arpeggio(rng: np.random.Generator, a: Attributes) -> list[Hit]:
    """The tones of a chord one after another, in eighths or sixteenths."""
    scale, order = SCALES[_key(a)], ORDERS[rng.integers(len(ORDERS))]
    step = 0.5 if a.density < SPARSE or (a.density < BUSY and rng.random() < 0.5) else 0.25
    degrees = PROGRESSIONS[_key(a)][rng.integers(4)] if rng.random() < 0.6 else (0, 0, 0, 0)
    bars = []
    for degree in degrees:
        tones = [_degree(scale, degree + third) for third in (0, 2, 4)] + [_degree(scale, degree) + 12]
        bars.append(
            [
                Hit(number * step, TONE, 1.0 if number % 4 == 0 else 0.75, tones[order[number % len(order)]], step)
                for number in range(round(4 / step))
            ]
        )
    return form(bars, a.swing)


def chord_progression(rng: np.random.Generator, a: Attributes) -> list[Hit]:
    """A chord of three tones for each bar."""
    scale, places = SCALES[_key(a)], _places(rng, CHORD_STEPS, a)
    bars = []
    for degree in PROGRESSIONS[_key(a)][rng.integers(4)]:
        tones = [_degree(scale, degree + third) for third in (0, 2, 4)]
        tones = [tone - 12 if tone > 9 else tone for tone in tones]
        bars.append([_hit(place, tone, places, number) for number, place in enumerate(places) for tone in tones])
    return form(bars, a.swing)


def melody(rng: np.random.Generator, a: Attributes) -> list[Hit]:
    """A walk over five tones: a motif of a bar, again, and an answer."""
    tones = PENTATONIC[_key(a)]
    motif, answer = (_walk(rng, a, tones) for _ in range(2))
    return form([motif, answer, motif, answer], a.swing)


def _walk(rng: np.random.Generator, a: Attributes, tones: tuple[int, ...]) -> list[Hit]:
    places, at, hits = _places(rng, MELODY_STEPS, a), int(rng.integers(len(tones))), []
    for number, place in enumerate(places):
        hits.append(_hit(place, tones[at], places, number))
        at = int(np.clip(at + rng.integers(-2, 3), 0, len(tones) - 1))
    return hits


def _places(rng: np.random.Generator, patterns: tuple[str, ...], a: Attributes) -> list[float]:
    """The straight beats of a bar on which something is played. What swings has some between the quarters."""
    marks = str(rng.choice(patterns if a.swing <= SWINGS else [marks for marks in patterns if _off_beat(marks)]))
    steps = [step for step, mark in enumerate(marks) if mark == "X" or (mark == "-" and a.density > SPARSE)]
    if a.density < SPARSE and a.swing <= SWINGS and len(steps) > 4:
        steps = steps[: len(steps) - 2]
    if a.density > BUSY:
        free = [step for step in range(16) if step not in steps]
        steps = sorted({*steps, *rng.permutation(free)[:2].tolist()})
    return [step / 4 for step in steps]


def _off_beat(marks: str) -> bool:
    return any(mark == "X" and step % 4 for step, mark in enumerate(marks))


def _hit(place: float, semitones: int, places: list[float], number: int) -> Hit:
    until = places[number + 1] if number + 1 < len(places) else float(BEATS_PER_BAR)
    return Hit(place, TONE, 1.0 if number == 0 else 0.8, semitones, until - place)


def _key(a: Attributes) -> str:
    return "major" if a.chord == "major" else "minor"


def _degree(scale: tuple[int, ...], degree: int) -> int:
    return scale[degree % 7] + 12 * (degree // 7)
