"""Play hits: each different one is synthesised once, and laid where it belongs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from bridge.starter.rhythms import drum_styles, tonal_lines
from bridge.starter.rhythms.drum_styles import DRUMS, Style
from bridge.starter.rhythms.pattern import BARS, BEATS_PER_BAR, Hit
from bridge.starter.rhythms.tonal_lines import TONE, Lines
from bridge.starter.sounds import drums, tones
from bridge.starter.sounds.parts import SAMPLE_RATE, Attributes, Wave, distorted, filtered, scale, white
from bridge.starter.sounds.sound import Make

FORM_BEATS = BARS * BEATS_PER_BAR
LONGEST_S = 1.2  # of a hit
CHOKE_S, RELEASE_S = 0.012, 0.02  # of an open hat that is closed, and of a tone that ends
DRUM_PARTS: Mapping[str, tuple[Make, float]] = {
    "kick": (drums.kick, 1.0), "808": (drums.bass_808, 1.0), "snare": (drums.snare, 0.7), "clap": (drums.clap, 0.6),
    "closed_hat": (drums.closed_hat, 0.3), "open_hat": (drums.open_hat, 0.3), "ride": (drums.ride, 0.25),
    "crash": (drums.crash, 0.35), "rim": (drums.rim, 0.45), "cowbell": (drums.cowbell, 0.35), "clave": (drums.clave, 0.4),
    "conga": (drums.conga, 0.6), "tambourine": (drums.tambourine, 0.35), "shaker": (drums.shaker, 0.4), "tom": (drums.tom, 0.8),
}  # fmt: skip
Voices = tuple[tuple[Make, tuple[int, ...]], ...]
"""What plays a line, each with the octaves of its C."""
BASSES: Voices = ((tones.bass, (2,)), (tones.bass, (2,)), (tones.sub, (2, 3)))
ARPEGGIOS: Voices = ((tones.pluck, (3, 4)), (tones.lead, (4,)), (tones.mallet, (4, 5)), (tones.bell, (4,)))
CHORDS: Voices = ((tones.organ, (3,)), (tones.strings, (3, 4)), (tones.pluck, (3, 4)), (tones.lead, (3,)))
MELODIES: Voices = ((tones.lead, (4, 5)), (tones.pluck, (4, 5)), (tones.mallet, (4, 5)), (tones.organ, (4,)))
Plan = Callable[[np.random.Generator, Attributes], list[Hit]]


@dataclass(frozen=True, slots=True)
class Player:
    """A rhythm: `plan` says what is hit in four bars, `instruments` draws what plays each part."""

    plan: Plan
    instruments: Callable[
        [np.random.Generator, Attributes], Mapping[str, Callable[[np.random.Generator, Hit, int], Wave]]
    ]

    def make(self, rng: np.random.Generator, a: Attributes, n: int) -> Wave:
        """`n` samples that begin with the first beat; the form is repeated until they end."""
        samples_per_beat = SAMPLE_RATE * 60 / a.bpm
        return finished(rng, self._played(rng, a, samples_per_beat, n, n)[:n], a)

    def ring(self, rng: np.random.Generator, a: Attributes, n: int) -> Wave:
        """`n` samples of whole bars, whose end rings on in their beginning."""
        bars = max(1, round(n * a.bpm / 60 / SAMPLE_RATE / BEATS_PER_BAR))
        tail = round(LONGEST_S * SAMPLE_RATE)
        played = self._played(rng, a, n / (bars * BEATS_PER_BAR), n, n + tail)
        turn = played[:n].copy()
        for start in range(n, len(played), n):
            rest = played[start : start + n]
            turn[: len(rest)] += rest
        return finished(rng, turn, a)

    def _played(self, rng: np.random.Generator, a: Attributes, samples_per_beat: float, until: int, n: int) -> Wave:
        """The hits that begin before sample `until`, in `n` samples."""
        played = np.zeros(n + round(LONGEST_S * SAMPLE_RATE) + 1, dtype=np.float32)
        hits, instruments = self.plan(rng, a), self.instruments(rng, a)
        known: dict[tuple[object, ...], Wave] = {}
        closed = sorted(hit.beat for hit in hits if hit.part == "closed_hat")
        for hit in hits:
            key = (hit.part, round(hit.velocity * 5), hit.semitones, round(hit.beats * 16))
            if key not in known:
                size = round(LONGEST_S * SAMPLE_RATE)
                if hit.beats:
                    size = min(size, round(hit.beats * samples_per_beat))
                known[key] = instruments[hit.part](rng, hit, size)
            wave = known[key]
            if hit.part == "open_hat":
                after = next((beat for beat in closed if beat > hit.beat + 0.05), hit.beat + 2)
                wave = _choked(wave, round((after - hit.beat) * samples_per_beat))
            beat = hit.beat
            while (at := round(beat * samples_per_beat)) < until:
                played[at : at + len(wave)] += wave[: len(played) - at]
                beat += FORM_BEATS
        return played[:n]


def _choked(wave: Wave, size: int) -> Wave:
    if size >= len(wave):
        return wave
    fade = min(size, round(CHOKE_S * SAMPLE_RATE))
    cut = wave[:size].copy()
    cut[size - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    return cut


def finished(rng: np.random.Generator, wave: Wave, a: Attributes) -> Wave:
    """The sum, filtered, dusty, distorted, and gently limited, as its adjectives say."""
    wave = wave / (np.abs(wave).max() + 1e-9)
    if a.dust >= 0.5:
        wave = dusty(rng, wave, a.dust)
    if a.brightness < -0.25:
        wave = filtered(wave, "low", scale(500, 7_000, 1 + 2.6 * (a.brightness + 0.25)), 0.8, 2)
    return distorted(np.tanh(1.3 * wave).astype(np.float32), a.distortion)


def dusty(rng: np.random.Generator, wave: Wave, dust: float) -> Wave:
    """As from an old record: without the highest and lowest frequencies, saturated, with hiss and crackle."""
    n = len(wave)
    wave = filtered(
        filtered(np.tanh(2.0 * wave).astype(np.float32), "low", scale(8_000, 4_000, 2 * dust - 1)), "high", 60
    )
    clicks = np.zeros(n, dtype=np.float32)
    places = rng.integers(0, n, rng.poisson(12 * n / SAMPLE_RATE))
    clicks[places] = rng.normal(0, 0.5, len(places))
    hiss = filtered(white(rng, n), "band", 4_500, 0.5)
    return np.asarray(
        0.8 * wave + dust * (0.010 * hiss + 0.25 * filtered(clicks, "band", 2_500, 0.6)), dtype=np.float32
    )


def _kit(
    style: Style, rng: np.random.Generator, a: Attributes
) -> dict[str, Callable[[np.random.Generator, Hit, int], Wave]]:
    """A sound for each drum, drawn once."""
    parts = sorted({*style.parts, style.fill, *(["snare", "kick"] if a.half else [])})
    drawn = {}
    for name in parts:
        ranges = style.kit.get(name, {})
        values: dict[str, Any] = {
            key: float(rng.uniform(*ranges.get(key, (-1, 1)))) for key in ("pitch", "brightness", "length", "force")
        }
        drawn[name] = Attributes(**values, distortion=0.0, octave=1)
    return {name: partial(_drum, name, attributes) for name, attributes in drawn.items()}


def _drum(name: str, attributes: Attributes, rng: np.random.Generator, hit: Hit, size: int) -> Wave:
    make, level = DRUM_PARTS[name]
    softer = replace(attributes, brightness=max(-1.0, attributes.brightness - 0.5 * (1 - hit.velocity)))
    wave = make(np.random.default_rng(int(rng.integers(2**31))), softer, size)
    return np.asarray(wave / (np.abs(wave).max() + 1e-9) * level * hit.velocity, dtype=np.float32)


def _voice(
    voices: Voices, rng: np.random.Generator, a: Attributes
) -> dict[str, Callable[[np.random.Generator, Hit, int], Wave]]:
    """One instrument for the line."""
    make, octaves = voices[rng.integers(len(voices))]
    octave = int(rng.choice(octaves))
    own = replace(a, octave=octave, chord="single", distortion=0.0, wave=str(rng.choice(("saw", "square"))))
    return {TONE: partial(_tone, make, own)}


def _tone(make: Make, a: Attributes, rng: np.random.Generator, hit: Hit, size: int) -> Wave:
    """A tone at its C, played faster or slower to reach its pitch."""
    faster = 2 ** (hit.semitones / 12)
    wave = make(rng, a, round(size * faster) + 2)
    wave = np.interp(np.arange(size) * faster, np.arange(len(wave)), wave).astype(np.float32)
    release = min(size, round(RELEASE_S * SAMPLE_RATE))
    wave[size - release :] *= np.linspace(1, 0, release, dtype=np.float32)
    return np.asarray(wave / (np.abs(wave).max() + 1e-9) * hit.velocity, dtype=np.float32)


def _of_drums(style: Style) -> Player:
    return Player(lambda rng, a: drum_styles.hits(rng, a, style), partial(_kit, style))


def _of_tones(lines: Lines, voices: Voices) -> Player:
    return Player(lines, partial(_voice, voices))


PLAYERS: dict[str, Player] = {name: _of_drums(style) for name, style in DRUMS.items()} | {
    "bass_line": _of_tones(tonal_lines.bass_line, BASSES),
    "arpeggio": _of_tones(tonal_lines.arpeggio, ARPEGGIOS),
    "chord_progression": _of_tones(tonal_lines.chord_progression, CHORDS),
    "melody": _of_tones(tonal_lines.melody, MELODIES),
}
