"""Make the new part of a source: at the level and the pitch at which the checkpoint knows such sounds, then back to those of the source."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from bridge.domain.clip import Prompt
from bridge.engine.audioldm2.hearing import Heard, without_notes
from bridge.engine.audioldm2.sources import guess, tones
from bridge.engine.audioldm2.sources.familiar import SILENT, SOUNDS, Familiar
from bridge.engine.audioldm2.sources.inpainting import Gap, Inpainter
from bridge.engine.audioldm2.sources.method import Material, Stages, Wave
from bridge.engine.audioldm2.sources.tones import Tone
from bridge.engine.messages import OnStep

FADE_S = 0.02  # from the source to the rendering of it that the new part grows out of
RINGING = 64  # samples next to a hard end that resampling changes


@dataclass(frozen=True, slots=True)
class Around:
    """A source (samples,) at the checkpoint's rate with silence where it is new, from sample `begin` to `end`. The network hears the
    samples from `first` to `last`, and makes `spare_s` seconds more of a steady sound."""

    whole: Wave
    begin: int
    end: int
    first: int
    last: int
    spare_s: float = 0.0

    @property
    def listened(self) -> Wave:
        """What is known on the longer side of the new part."""
        return max(self.whole[self.first : self.begin], self.whole[self.end : self.last], key=len)


@dataclass(frozen=True, slots=True)
class Joined:
    """The method that makes a new part. `tone`: None for a texture."""

    stages: Stages
    material: Material
    around: Around
    heard: Heard
    tone: Tone | None
    words: Sequence[str] = ()
    remark: str = ""

    @classmethod
    def of(cls, stages: Stages, material: Material, around: Around) -> Joined:
        """Listen to what is known."""
        return cls._as(stages, material, around, stages.texts.hears(material.prompt))

    @classmethod
    def _as(cls, stages: Stages, material: Material, around: Around, heard: Heard) -> Joined:
        vocabulary, listened = stages.texts.vocabulary, around.listened
        if vocabulary is None:
            return cls(stages, material, around, heard, None)
        octaves, multiples = vocabulary.tones_of(heard.noun)
        tone = tones.find(listened, stages.geometry.sample_rate, octaves, multiples)
        if tone is not None and tone.octave is not None:
            heard = replace(heard, text=f"{without_notes(heard.text)} c{tone.octave}")
        return cls(stages, material, around, heard, tone)

    def _named(self, familiar: Familiar) -> Joined:
        """With the noun of the sound that is most like the source, if no word is known."""
        vocabulary, rate = self.stages.texts.vocabulary, self.stages.geometry.sample_rate
        listened = self.around.listened
        if vocabulary is None or self.heard.noun or np.abs(listened).max(initial=0.0) < SILENT:
            return self
        fades = guess.decays(familiar.inpainter.mel(listened), familiar.inpainter.scale)
        nouns = [vocabulary.noun_of(sound) for sound in SOUNDS[self.tone is not None, fades]]
        heard = [vocabulary.hear(f"{self.heard.words} {noun}") for noun in nouns if noun]
        named = [self._as(self.stages, self.material, self.around, words) for words in heard]
        return min(
            named,
            key=lambda other: familiar.apart(
                tones.played(listened, rate, other.speed), other.heard.text, other.tone is not None
            ),
            default=self,
        )

    @property
    def name(self) -> str:
        """See Method."""
        return "texture" if self.tone is None else "tone"

    @torch.no_grad()
    def takes(self, on_step: OnStep) -> Iterator[Iterator[Wave]]:
        """See Method."""
        stages, prompt = self.stages, self.material.prompt
        inpainter = Inpainter(stages.geometry, stages.encoder, stages.decoder)
        on_step(0, prompt.units)
        familiar = Familiar(stages, inpainter, replace(prompt, source=None), lambda: on_step(0, prompt.units))
        return self._named(familiar)._made(familiar, on_step)

    def _made(self, familiar: Familiar, on_step: OnStep) -> Iterator[Iterator[Wave]]:
        stages, prompt, inpainter = self.stages, self.prompt, familiar.inpainter
        wave, begin, end = self._at_pitch()
        known = np.concatenate([wave[:begin], wave[end:]])
        own_level = stages.texts.vocabulary is not None
        gain = familiar.gain(known, self.heard.text) if own_level else stages.encoder.gain(known)
        plan = inpainter.plan(self._gap(wave * np.float32(gain), begin, end))
        generators = stages.generators(prompt)
        noise = stages.noise(generators, plan.rows)
        latents = stages.denoise(prompt, noise, generators, on_step, kept=plan.kept)
        for take in range(prompt.takes):
            on_step(prompt.units, prompt.units)
            made = inpainter.wave(plan, latents[take : take + 1]) / np.float32(gain)
            yield iter([self._placed(made, inpainter.joins_samples)])

    @property
    def another(self) -> bool:
        """Whether the prompt names another sound than the source's words."""
        vocabulary, source = self.stages.texts.vocabulary, self.material.source
        asked = self.material.prompt.text.strip()
        if vocabulary is None:
            return bool(asked) and asked != source.words.strip()
        noun = vocabulary.hear(asked).noun
        return bool(noun) and noun != vocabulary.hear(source.words).noun

    @property
    def speed(self) -> float:
        """How many times faster the network hears the source."""
        return 1.0 if self.tone is None else self.tone.speed

    @property
    def prompt(self) -> Prompt:
        """The prompt for the network."""
        if self.stages.texts.vocabulary is None:
            return self.material.prompt
        return replace(self.material.prompt, text=self.heard.text, full_text=self.heard.text, note="")

    def _at_pitch(self) -> tuple[Wave, int, int]:
        """What the network hears, at the pitch at which it knows such tones, and where the new part begins and ends in it."""
        around, speed = self.around, self.speed
        wave = tones.played(around.whole[around.first : around.last], self.stages.geometry.sample_rate, speed)
        begin, end = (place - around.first for place in (around.begin, around.end))
        begin, end = math.floor(begin / speed), math.ceil(end / speed)
        return np.pad(wave, (0, max(0, end - len(wave)))), begin, end

    def _gap(self, wave: Wave, begin: int, end: int) -> Gap:
        steady, tone = self.heard.steady, self.tone
        partials_hz = () if tone is None else tuple(tone.speed * hz for hz in tone.partials_hz)
        spare = 0 if steady is False else math.ceil(self.around.spare_s / self.stages.geometry.row_seconds)
        wave[begin:end] = 0
        ringing = 0 if self.speed == 1 else RINGING
        return Gap(wave, begin, end, steady, partials_hz, spare, ringing)

    def _placed(self, made: Wave, joins_samples: bool) -> Wave:
        """The finished wave from what the network made of what it heard. Where its samples do not join those of the source, its own
        rendering of the source stays around them, by which the shaper finds level and phase."""
        around, rate = self.around, self.stages.geometry.sample_rate
        made = tones.played(made, rate, 1 / self.speed)
        count = around.last - around.first
        whole = around.whole.copy()
        whole[around.first : around.last] = np.pad(made[:count], (0, max(0, count - len(made))))
        return joined(around, whole, round(FADE_S * rate)) if joins_samples else whole


def joined(around: Around, made: Wave, fade: int) -> Wave:
    """The source outside of the new part, and `made` inside. `made` has the source's own samples next to the new part, so that fading
    over `fade` samples of them is not heard."""
    share = np.zeros(len(made), np.float32)
    share[around.begin : around.end] = 1
    before, after = min(fade, around.begin), min(fade, len(made) - around.end)
    share[around.begin - before : around.begin] = np.linspace(0, 1, before, dtype=np.float32)
    share[around.end : around.end + after] = np.linspace(1, 0, after, dtype=np.float32)
    return around.whole + share * (made - around.whole)
