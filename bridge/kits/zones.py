"""Zones: the keys that play each sample of a kit."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import NamedTuple

from bridge.domain.kit import Sound, Zone
from bridge.domain.notes import HIGHEST
from bridge.kits.keymap import is_hat

OUTER_REACH = 12  # semitones that the lowest and the highest tone of a kit are played beyond themselves
TITLE_CHARACTERS = 80


class Sample(NamedTuple):
    """A finished sound: the name of its file, and its length. `tuned`: a tone has its note."""

    sound: Sound
    file: str
    seconds: float
    tuned: bool = True


def zones(samples: list[Sample]) -> tuple[Zone, ...]:
    """The zones of the samples, by key. If all are tones, each also covers the keys around its own, and those of a tone that
    could not be tuned, which has no zone. Hats choke each other."""
    tones = all(sample.sound.note for sample in samples) and any(sample.tuned for sample in samples)
    samples = [sample for sample in samples if sample.tuned or not tones]
    spans = reach(sample.sound.key for sample in samples) if tones else {}
    result = []
    for sound, file, seconds, tuned in sorted(samples, key=lambda sample: sample.sound.key):
        note = sound.note if tuned else ""
        title = f"{sound.text[:TITLE_CHARACTERS]} {note.upper()}".strip()
        low, high = spans.get(sound.key, (sound.key, sound.key))
        choke = 1 if is_hat(sound.text) and not note else 0
        result.append(Zone(file, title, sound.key, low, high, seconds, choke, tone=bool(note)))
    return tuple(result)


def reach(tones: Iterable[int]) -> dict[int, tuple[int, int]]:
    """Tone → the lowest and the highest MIDI note that plays it: half way to its neighbours, and an octave beyond the outer
    ones."""
    keys = sorted(tones)
    middles = [(below + above) // 2 for below, above in itertools.pairwise(keys)]
    lows = [max(0, keys[0] - OUTER_REACH), *(middle + 1 for middle in middles)] if keys else []
    highs = [*middles, min(HIGHEST, keys[-1] + OUTER_REACH)] if keys else []
    return {key: (low, high) for key, low, high in zip(keys, lows, highs, strict=True)}
