"""A sound: what it is called, which adjectives fit it, and what makes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bridge.starter.sounds.parts import Attributes, Wave

Make = Callable[[np.random.Generator, Attributes, int], Wave]


@dataclass(frozen=True, slots=True)
class Sound:
    """One class of sounds. `nouns`: what people call it, the plainest first, hyphens as spaces. `fits`: which of the
    attributes pitch, brightness, length, force and distortion adjectives change it; `force`: the words for little and
    much force. `octaves`: the Cs it is made at, empty without a pitch. `fills`: it goes on until the clip ends. `ring`: of a
    rhythm, makes one period of n samples whose end runs into its beginning; None for single sounds."""

    name: str
    make: Make
    nouns: tuple[str, ...]
    fits: str = "pitch brightness length distortion"
    force: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    octaves: tuple[int, ...] = ()
    waves: tuple[str, ...] = ()
    chords: tuple[str, ...] = ()
    fills: bool = False
    ring: Make | None = None


SOFT = (("soft", "gentle", "light"), ("punchy", "hard", "heavy"))
TONE = "brightness length distortion"


def sound(name: str, make: Make, nouns: str, **more: object) -> Sound:
    """A sound, its nouns with commas between them."""
    return Sound(name, make, tuple(noun.strip() for noun in nouns.split(",")), **more)  # type: ignore[arg-type]
