"""Vary: make another version of a source, by denoising from it with noise instead of from noise alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from bridge.domain.source import PARTS
from bridge.engine.audioldm2.loops import HIT_TAIL_S, SECOND_HALF, ringing_on
from bridge.engine.audioldm2.sources import rhythms
from bridge.engine.audioldm2.sources.method import Material, Method, Stages, Wave
from bridge.engine.audioldm2.sources.pitched import Pitched, pitched
from bridge.engine.audioldm2.sources.tones import played
from bridge.engine.audioldm2.starting import Start
from bridge.engine.messages import OnStep
from bridge.errors import Unsupported

# A swell from a fifth of its level to all of it varies by 14 dB.
EVEN_DB, BLOCK_S = 20.0, 0.05


@dataclass(frozen=True, slots=True)
class Whole:
    """Varies all of a source at once. A tone keeps its pitch unless a note was requested."""

    stages: Stages
    material: Material
    name: str = "whole"
    words: Sequence[str] = ()
    remark: str = ""

    def takes(self, on_step: OnStep) -> Iterator[Iterator[Wave]]:
        """See Method."""
        source = self.material.source
        if not source.schedule_share:
            return map(iter, ([wave] for wave in self._unchanged(on_step)))
        tuned = pitched(self.stages.texts, self.material.prompt, self._wave, self.stages.geometry.sample_rate)
        if source.schedule_share >= 1 and not tuned.heard.target_hz:  # nothing of the source is left
            return self.stages.plain_takes(self.material.prompt, on_step)
        return map(iter, ([wave] for wave in self._varied(tuned, on_step)))

    def _unchanged(self, on_step: OnStep) -> Iterator[Wave]:
        self.stages.lack("note")
        for _ in range(self.material.prompt.takes):
            on_step(1, 1)
            yield self._wave

    @torch.no_grad()
    def _varied(self, tuned: Pitched, on_step: OnStep) -> Iterator[Wave]:
        stages, wave, prompt, heard = self.stages, self._wave, tuned.prompt, tuned.heard
        geometry, level = stages.geometry, np.float32(1 / stages.encoder.gain(wave))
        if not tuned.has_note:
            stages.lack("note")
        circular_from = self._circular_from(tuned)
        tail_s = min(HIT_TAIL_S, prompt.seconds) if prompt.loop and circular_from is None else 0.0
        frames, tail = geometry.frames(prompt.seconds), geometry.frames(tail_s)
        needed = geometry.needed(prompt.seconds + tail_s, heard)
        if circular_from is not None:
            rows = geometry.rows_of_loop(prompt.seconds, heard)
            latents = stages.encoder.circular(wave, geometry.frames_of_loop(prompt.seconds, heard), rows)
        else:
            rows = geometry.rows(needed)
            latents = stages.encoder.latents(played(wave, geometry.sample_rate, tuned.speed), rows)
        on_step(0, prompt.units)
        assert prompt.steps is not None
        start = Start.of(self.material.source, latents, prompt.steps)
        generators = stages.generators(prompt)
        varied = stages.denoise(prompt, stages.noise(generators, rows), generators, on_step, circular_from, start)
        for take in range(prompt.takes):
            on_step(prompt.units, prompt.units)
            latent = varied[take : take + 1]
            if circular_from is not None:
                made = stages.decoder.period(latent, prompt.seconds, heard)
            else:
                made = np.concatenate(list(stages.decoder.pieces(latent, heard, needed, frames + tail)))
                made = ringing_on(made, frames)
            yield np.asarray(level * made, np.float32)

    def _circular_from(self, tuned: Pitched) -> float | None:
        """How to denoise a loop, see Denoiser.run and `loops`: None for what has attacks, which are lost on the circle."""
        if not self.material.prompt.loop:
            return None
        # Free text: as in new loops, the first half of the schedule decides where a sound begins.
        if tuned.heard.steady is None:
            share = self.material.source.schedule_share
            return max(0.0, 1 - SECOND_HALF / share)
        return 0.0 if tuned.heard.steady and is_even(self._wave, self.stages.geometry.sample_rate) else None

    @property
    def _wave(self) -> Wave:
        return self.material.of_length(self.stages.geometry.frames(self.material.prompt.seconds))


def is_even(wave: Wave, rate: int) -> bool:
    """Whether a wave has no attacks and no pauses: its level varies by less than EVEN_DB."""
    block = max(1, round(BLOCK_S * rate))
    blocks = wave[: len(wave) // block * block].reshape(-1, block)
    levels = 10 * np.log10(np.square(blocks, dtype=np.float64).mean(axis=1) + 1e-12)
    return bool(len(levels)) and float(np.subtract(*np.quantile(levels, (0.95, 0.05)))) < EVEN_DB


def choose(stages: Stages, material: Material) -> Method:
    """The method for a source: small checkpoints know single sounds only, so a rhythm is varied by its hits. Raises Unsupported."""
    parts = material.source.parts
    if parts not in ("", *PARTS):
        raise Unsupported(f"{parts} are no parts of a clip: leave parts out, or send parts {' or '.join(PARTS)}.")
    if parts == "hits":
        return rhythms.vary_hits(stages, material)
    if not parts and stages.texts.vocabulary is not None:
        return rhythms.varied_rhythm(stages, material) or Whole(stages, material)
    return Whole(stages, material)
