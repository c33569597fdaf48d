"""Play hits: each different one is synthesised once, and laid where it belongs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from bridge.starter.rhythms import drum_styles, tonal_lines
from bridge.starter.rhythms.drum_styles import DRUMS, Style
from bridge.starter.rhythms.finish import finished
from bridge.starter.rhythms.instruments import (
    ARPEGGIOS,
    BASSES,
    CHORDS,
    LONGEST_S,
    MELODIES,
    Instruments,
    Voices,
    faded,
    kit,
    voice,
)
from bridge.starter.rhythms.pattern import BARS, BEATS_PER_BAR, Hit
from bridge.starter.rhythms.tonal_lines import Lines
from bridge.starter.sounds.parts import SAMPLE_RATE, Attributes, Wave

FORM_BEATS = BARS * BEATS_PER_BAR
CHOKED_BY = {"open_hat": ("closed_hat", "open_hat"), "808": ("808",)}  # what ends the sound of a part
CHOKE_S = 0.012
Plan = Callable[[np.random.Generator, Attributes], list[Hit]]
Draw = Callable[[int, np.random.Generator, Attributes], Instruments]


@dataclass(frozen=True, slots=True)
class Player:
    """A rhythm: `plan` says what is hit in four bars; `draw` makes what plays it from the samples of the longest tone."""

    plan: Plan
    draw: Draw

    def make(self, rng: np.random.Generator, a: Attributes, n: int) -> Wave:
        """`n` samples that begin with the first beat; the form is repeated until they end."""
        samples_per_beat = SAMPLE_RATE * 60 / a.bpm
        return finished(rng, self._played(rng, a, samples_per_beat, n)[:n], a, ring=False)

    def ring(self, rng: np.random.Generator, a: Attributes, n: int) -> Wave:
        """`n` samples of whole bars, whose end rings on in their beginning."""
        bars = max(1, round(n * a.bpm / 60 / SAMPLE_RATE / BEATS_PER_BAR))
        played = self._played(rng, a, n / (bars * BEATS_PER_BAR), n, ring=True)
        turns = np.pad(played, (0, -len(played) % n)).reshape(-1, n)
        return finished(rng, turns.sum(0), a, ring=True)

    def _played(
        self, rng: np.random.Generator, a: Attributes, samples_per_beat: float, n: int, ring: bool = False
    ) -> Wave:
        """The hits that begin in `n` samples, and what rings on behind them. On a `ring` the last is followed by the first."""
        form = self.plan(rng, a)
        turns = range(int(n / samples_per_beat / FORM_BEATS) + 1)
        hits = [replace(hit, beat=hit.beat + turn * FORM_BEATS) for turn in turns for hit in form]
        hits = [hit for hit in hits if round(hit.beat * samples_per_beat) < n]
        longest = max((hit.beats * 2 ** (max(hit.semitones, 0) / 12) for hit in hits), default=0.0)
        instruments = self.draw(round(longest * samples_per_beat) + 2, rng, a)
        tail = (
            max(round(LONGEST_S * SAMPLE_RATE), round(max((hit.beats for hit in hits), default=0.0) * samples_per_beat))
            + 1
        )
        played, known = np.zeros(n + tail, dtype=np.float32), dict[tuple[object, ...], Wave]()
        for hit in hits:
            key = (hit.part, round(hit.velocity * 5), hit.semitones, round(hit.beats * 48))
            if key not in known:
                known[key] = instruments[hit.part](hit, round(hit.beats * samples_per_beat) if hit.beats else tail)
            wave, at = known[key], round(hit.beat * samples_per_beat)
            if hit.part in CHOKED_BY:
                wave = _choked(wave, hit, hits, samples_per_beat, n if ring else None)
            played[at : at + len(wave)] += wave[: len(played) - at]
        return played


def _choked(wave: Wave, hit: Hit, hits: list[Hit], samples_per_beat: float, turn: int | None) -> Wave:
    """The sound of a hit until the next one that ends it, on a ring of `turn` samples also around the end."""
    by = CHOKED_BY[hit.part]
    ends = [other.beat * samples_per_beat for other in hits if other.part in by]
    if turn is not None:
        ends += [end + turn for end in ends]
    at = hit.beat * samples_per_beat
    size = round(min((end for end in ends if end > at + 1), default=at + len(wave)) - at)
    return faded(wave[:size], CHOKE_S) if size < len(wave) else wave


def _of_drums(style: Style) -> Player:
    def draw(_: int, rng: np.random.Generator, a: Attributes) -> Instruments:
        return kit(style, rng, a)

    return Player(lambda rng, a: drum_styles.hits(rng, a, style), draw)


def _of_tones(lines: Lines, voices: Voices) -> Player:
    return Player(lines, partial(voice, voices))


PLAYERS: dict[str, Player] = {name: _of_drums(style) for name, style in DRUMS.items()} | {
    "bass_line": _of_tones(tonal_lines.bass_line, BASSES),
    "arpeggio": _of_tones(tonal_lines.arpeggio, ARPEGGIOS),
    "chord_progression": _of_tones(tonal_lines.chord_progression, CHORDS),
    "melody": _of_tones(tonal_lines.melody, MELODIES),
}
