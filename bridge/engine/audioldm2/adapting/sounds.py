"""The sounds to learn, as latents with their texts: batches of one length, with the silence that follows a sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from bridge.engine import beat_clock
from bridge.engine.audioldm2.encoding import resampled
from bridge.engine.audioldm2.engine import AudioLDM2
from bridge.engine.audioldm2.hearing import Vocabulary, without_notes
from bridge.engine.audioldm2.tempo import tempo_of

LENGTHS_S = (
    0.5,
    1.0,
    2.0,
    4.0,
)  # of clips that are asked for; a sound is learned in the shortest that holds it, and in the next one
LONGEST_PADDED_S = 2.0
PADDED = 0.33  # how often a sound is learned in the longer one, for each time in the other
ENCODED_AT_ONCE = 32

Wave = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Batch:
    """Latents `z` (n, channels, rows, width), the `clock` of each (n, channels, rows), or None for a network without one, and the words of
    the checkpoint that were heard in each name."""

    z: torch.Tensor
    clock: torch.Tensor | None
    texts: list[str]


@dataclass(slots=True)
class Group:
    """Sounds of one length, as in Batch. `share`: how often it is learned, beside other groups."""

    seconds: float
    z: list[torch.Tensor] = field(default_factory=list)
    clock: list[torch.Tensor] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    share: float = 0.0

    def add(self, z: torch.Tensor, clock: torch.Tensor, text: str) -> None:
        """Add a sound."""
        self.z.append(z)
        self.clock.append(clock)
        self.texts.append(text)

    def batch(self, chosen: Sequence[int], keeps_time: bool) -> Batch:
        """Some of the sounds."""
        clock = torch.stack([self.clock[at] for at in chosen]) if keeps_time else None
        return Batch(torch.stack([self.z[at] for at in chosen]), clock, [self.texts[at] for at in chosen])


@dataclass(frozen=True, slots=True)
class Sound:
    """A wave (samples,) at `rate` Hz and what it may be called."""

    wave: Wave
    rate: int
    words: tuple[str, ...]


def grouped(engine: AudioLDM2, vocabulary: Vocabulary, sounds: Sequence[Sound], padded: bool = True) -> list[Group]:
    """Sounds by their length. `padded`: also in the next longer group."""
    rate, groups = engine.geometry.sample_rate, {seconds: Group(seconds) for seconds in LENGTHS_S}
    members: dict[float, list[Sound]] = {seconds: [] for seconds in LENGTHS_S}
    for sound in sounds:
        seconds = len(sound.wave) / sound.rate
        at = next((n for n, length in enumerate(LENGTHS_S) if length >= seconds), len(LENGTHS_S) - 1)
        members[LENGTHS_S[at]].append(sound)
        groups[LENGTHS_S[at]].share += 1
        if padded and at + 1 < len(LENGTHS_S) and LENGTHS_S[at + 1] <= LONGEST_PADDED_S:
            members[LENGTHS_S[at + 1]].append(sound)
            groups[LENGTHS_S[at + 1]].share += PADDED
    for seconds, some in members.items():
        rows = engine.geometry.rows_for(seconds)
        room = rows * engine.geometry.row_samples - engine.geometry.lead_in
        for start in range(0, len(some), ENCODED_AT_ONCE):
            part = some[start : start + ENCODED_AT_ONCE]
            waves = [resampled(sound.wave, sound.rate, rate)[:room] for sound in part]
            latents = engine.encoder.latents(np.stack([np.pad(wave, (0, room - len(wave))) for wave in waves]), rows)
            for sound, z in zip(part, latents.float(), strict=True):
                groups[seconds].add(z, *_clock_and_text(engine, vocabulary, sound, rows))
    return [group for group in groups.values() if group.z]


def clock_of(engine: AudioLDM2, rows: int, bpm: float) -> torch.Tensor:
    """The clock (channels, rows) of a clip at a tempo, 0 for none."""
    geometry = engine.geometry
    return beat_clock.rows_of(rows, geometry.row_seconds, geometry.lead_in / geometry.sample_rate, bpm, ring=False)


def _clock_and_text(engine: AudioLDM2, vocabulary: Vocabulary, sound: Sound, rows: int) -> tuple[torch.Tensor, str]:
    heard = vocabulary.hear(without_notes(" ".join(sound.words)))
    # As the engine does: only what is called a rhythm has a tempo.
    bpm = tempo_of(sound.wave, sound.rate) if engine.pipe.keeps_time and heard.usual_bpm is not None else 0.0
    return clock_of(engine, rows, bpm), heard.text if heard.noun else ""
