"""What plays hits: kits of drums, and instruments for lines of tones, drawn once for a clip."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from bridge.starter.rhythms.drum_styles import Style
from bridge.starter.rhythms.pattern import Hit
from bridge.starter.rhythms.tonal_lines import TONE
from bridge.starter.sounds import drums, tones
from bridge.starter.sounds.parts import SAMPLE_RATE, Attributes, Wave, decay
from bridge.starter.sounds.sound import Make

Instrument = Callable[[Hit, int], Wave]
"""(hit, n samples at most) → its sound, from the attack to its end."""
Instruments = Mapping[str, Instrument]

LONGEST_S = 1.2  # of a drum
ENDS_S, RELEASE_S = 0.15, 0.02  # in which the longest drum and a tone fade
GATE = 0.9  # share of its length for which a tone sounds, so that the next one is heard to begin
ACCENT, ACCENT_S = 0.5, 0.12  # by how much a tone is louder at its beginning, and how long
DRUM_PARTS: Mapping[str, tuple[Make, float]] = {
    "kick": (drums.kick, 1.0), "808": (drums.bass_808, 0.85), "snare": (drums.snare, 0.7), "clap": (drums.clap, 0.6),
    "closed_hat": (drums.closed_hat, 0.3), "open_hat": (drums.open_hat, 0.3), "ride": (drums.ride, 0.12), "rim": (drums.rim, 0.45),
    "cowbell": (drums.cowbell, 0.35), "clave": (drums.clave, 0.4), "conga": (drums.conga, 0.6),
    "tambourine": (drums.tambourine, 0.35), "shaker": (drums.shaker, 0.4), "tom": (drums.tom, 0.8),
}  # fmt: skip
RING_S = {"ride": 0.15}  # or its pings run into one tone
LOW_C = 2  # octave of the 808: below, the spectrogram holds no pitch
Voices = tuple[tuple[Make, tuple[int, ...]], ...]
"""What plays a line, each with the octaves of its C."""
BASSES: Voices = ((tones.bass, (2,)),)
ARPEGGIOS: Voices = ((tones.pluck, (3, 4)), (tones.lead, (4,)), (tones.mallet, (4, 5)), (tones.bell, (4,)))
CHORDS: Voices = ((tones.organ, (3,)), (tones.strings, (3, 4)), (tones.pluck, (3, 4)), (tones.lead, (3,)))
MELODIES: Voices = ((tones.lead, (4, 5)), (tones.pluck, (4, 5)), (tones.mallet, (4, 5)), (tones.organ, (4,)))


def kit(style: Style, rng: np.random.Generator, a: Attributes) -> Instruments:
    """A sound for each drum of a style. How bright they are follows the brightness of the rhythm."""
    instruments: dict[str, Instrument] = {}
    for name in sorted({*style.parts, style.fill, "kick", "closed_hat"}):
        ranges = style.kit.get(name, {})
        pitch, brightness, length, force = (
            float(rng.uniform(*ranges.get(key, (-1, 1)))) for key in ("pitch", "brightness", "length", "force")
        )
        brightness = 0.5 * brightness + 0.5 * a.brightness
        own = Attributes(pitch, brightness, length, force, octave=LOW_C)
        instruments[name] = _drum(name, own, int(rng.integers(2**31)))
    return instruments


def _drum(name: str, own: Attributes, seed: int) -> Instrument:
    make, level = DRUM_PARTS[name]

    def play(hit: Hit, n: int) -> Wave:
        size = min(n, round(LONGEST_S * SAMPLE_RATE))
        softer = replace(own, brightness=max(-1.0, own.brightness - 0.5 * (1 - hit.velocity)))
        wave = make(np.random.default_rng(seed), softer, size)
        if name in RING_S:
            wave = wave * decay(size, RING_S[name])
        return np.asarray(
            faded(wave / (np.abs(wave).max() + 1e-9), ENDS_S) * np.float32(level * hit.velocity), dtype=np.float32
        )

    return play


def voice(voices: Voices, longest: int, rng: np.random.Generator, a: Attributes) -> Instruments:
    """One instrument for a line, made once at its C and played faster for the tones above it; `longest` is the number of samples of its
    longest tone at the C."""
    make, octaves = voices[rng.integers(len(voices))]
    own = replace(
        a, octave=int(rng.choice(octaves)), chord="single", distortion=0.0, wave=str(rng.choice(("saw", "square")))
    )
    sample = make(rng, own, longest + round(RELEASE_S * SAMPLE_RATE))
    sample = sample / (np.abs(sample).max() + 1e-9)

    def play(hit: Hit, n: int) -> Wave:
        faster = 2 ** (hit.semitones / 12)
        size = min(round(n * GATE), int((len(sample) - 1) / faster))
        tone = np.interp(np.arange(size) * faster, np.arange(len(sample)), sample).astype(np.float32)
        return faded(tone * (1 - ACCENT + ACCENT * decay(size, ACCENT_S)), RELEASE_S) * np.float32(hit.velocity)

    return {TONE: play}


def faded(wave: Wave, seconds: float) -> Wave:
    """The wave, its last seconds faded out."""
    fade = min(len(wave), round(seconds * SAMPLE_RATE))
    shown = np.array(wave, dtype=np.float32)
    shown[len(shown) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    return shown
