"""The methods for rhythms: vary one hit by hit, continue one with the hits of its last bar."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from bridge.audio import continuing, hits
from bridge.audio.beats import Frames
from bridge.audio.hits import Hit
from bridge.audio.rhythm import Rhythm, onsets, rhythm_of
from bridge.engine.audioldm2.sources.hits import Variations
from bridge.engine.audioldm2.sources.method import Material, Method, Stages, Wave
from bridge.engine.messages import OnStep
from bridge.errors import Unsupported

# Of the hits of a bar that goes on: the same kit, and no copies. bench/RESULTS.md has the distances.
CONTINUED_STRENGTH = 0.4
ROUNDING = 2  # samples by which a period may differ from its seconds
CONTINUED = "a rhythm is continued with the hits of its last bar, each varied"


@dataclass(frozen=True, slots=True)
class VariedHits:
    """Varies each hit of a rhythm and puts it back at its onset."""

    stages: Stages
    material: Material
    onsets: Frames
    words: list[str] = field(default_factory=list)
    name: str = "hits"
    remark: str = ""

    def takes(self, on_step: OnStep) -> Iterator[Iterator[Wave]]:
        """See Method."""
        prompt, source, rate = self.material.prompt, self.material.source, self.stages.geometry.sample_rate
        wave = self._wave
        cuts = hits.cut(wave, rate, self.onsets, prompt.loop)
        if not source.schedule_share:
            for _ in range(prompt.takes):
                on_step(prompt.units, prompt.units)
                yield iter([wave])
            return
        variations = Variations(self.stages, prompt, source, cuts, self.words, alike=True)
        for replacements in variations.takes(on_step):
            yield iter([hits.put_back(wave, rate, cuts, replacements, prompt.loop, variations.named)])

    @property
    def _wave(self) -> Wave:
        wave, frames = self.material.wave, self.stages.geometry.frames(self.material.prompt.seconds)
        if self.material.prompt.loop and abs(len(wave) - frames) <= ROUNDING:
            return wave
        return self.material.of_length(frames)


@dataclass(frozen=True, slots=True)
class ContinuedHits:
    """Continues a rhythm: the hits of its last bar, each varied, bar after bar where they were in it."""

    stages: Stages
    material: Material
    rhythm: Rhythm
    words: list[str] = field(default_factory=list)
    name: str = "hits"
    remark: str = CONTINUED

    def takes(self, on_step: OnStep) -> Iterator[Iterator[Wave]]:
        """See Method."""
        prompt, rate = self.material.prompt, self.stages.geometry.sample_rate
        frames, wave = self.stages.geometry.frames(prompt.seconds), self.material.wave
        bar = continuing.period(self.rhythm, rate, len(wave), prompt.beats_per_bar)
        placed: list[Hit] = continuing.repeated(hits.cut(wave, rate, self.rhythm.onsets), len(wave), frames, bar, rate)
        base = continuing.base(wave, frames, placed[0].start if placed else frames, bar, rate)
        source = replace(self.material.source, how="vary", strength=CONTINUED_STRENGTH)
        variations = Variations(self.stages, prompt, source, placed, self.words, alike=False, own_names=True)
        for replacements in variations.takes(on_step):
            yield iter([hits.put_back(base, rate, placed, replacements, balanced=variations.named)])


def vary_hits(stages: Stages, material: Material) -> Method:
    """Vary the hits of a source, even if it is no rhythm. Raises Unsupported."""
    if material.prompt.note:
        raise Unsupported("The hits of a clip cannot be varied to a note: leave note out, or send parts whole.")
    return VariedHits(stages, material, onsets(material.wave, stages.geometry.sample_rate))


def varied_rhythm(stages: Stages, material: Material) -> Method | None:
    """The method that varies a source by its hits if it is a rhythm, else None. A note is for the whole sound."""
    rhythm = None if material.prompt.note else _rhythm(stages, material)
    return None if rhythm is None else VariedHits(stages, material, rhythm.onsets)


def continued_rhythm(stages: Stages, material: Material) -> Method | None:
    """The method that continues a source if it is a rhythm with a tempo, else None."""
    rhythm = _rhythm(stages, material)
    rate, frames = stages.geometry.sample_rate, len(material.wave)
    if rhythm is None or not continuing.period(rhythm, rate, frames, material.prompt.beats_per_bar):
        return None
    return ContinuedHits(stages, material, rhythm)


def _rhythm(stages: Stages, material: Material) -> Rhythm | None:
    return rhythm_of(material.wave, stages.geometry.sample_rate, material.source.bpm)
