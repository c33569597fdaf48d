"""Vary the hits of a rhythm, each as a sound of its own: small checkpoints know single sounds only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from bridge.audio.fitting import LONGEST_S
from bridge.audio.hits import Hit
from bridge.domain.clip import Prompt
from bridge.domain.limits import seed_after
from bridge.domain.source import Source
from bridge.engine.audioldm2.hearing import Heard
from bridge.engine.audioldm2.sources.method import Stages, Wave
from bridge.engine.audioldm2.starting import Start
from bridge.engine.audioldm2.text import Embeddings, stacked
from bridge.engine.messages import OnStep

PLAIN = Heard("", "")  # a sound that is not tuned
BATCH_ROWS, BATCH_HITS = 128, 16  # that run through the network together
APART = 1_000_003  # between the seeds of hits: takes are 1 apart
SHORTEST = 64  # samples of a sound that is encoded


@dataclass(frozen=True, slots=True)
class Variations:
    """Variations of `hits` at the strength of a source, with the words of a prompt. `words`: gets those of the hits if they have names of
    their own. `alike`: all start from the same noise, so that equal hits stay equal; otherwise no two are. `own_names`: other words than
    the names of the hits are left out. A batch is of one take, so that a take does not depend on the others.
    """

    stages: Stages
    prompt: Prompt
    source: Source
    hits: Sequence[Hit]
    words: list[str]
    alike: bool
    own_names: bool = False

    def takes(self, on_step: OnStep) -> Iterator[list[Wave]]:
        """For each take, a replacement (samples,) of each hit."""
        if not self.hits:
            yield from ([] for _ in range(self.prompt.takes))
            return
        prompt, batches, sounds = self.prompt, self._batches(), self._sounds
        latents = [self.stages.encoder.latents(_same_length([sounds[at] for at in of]), rows) for rows, of in batches]
        on_step(0, prompt.units)
        texts, guided = self._texts(batches, latents)
        settings = prompt if guided else replace(prompt, guidance=1.0)
        varied: list[dict[int, torch.Tensor]] = [{} for _ in range(prompt.takes)]
        runs = [(take, *batch) for take in range(prompt.takes) for batch in zip(batches, latents, strict=True)]
        for number, (take, (rows, places), encoded) in enumerate(runs):
            made = self.stages.denoise(
                settings,
                self._noise(take, places)[:, :, :rows],
                [self._generator(take) for _ in places],
                _part(on_step, number, len(runs), prompt.units),
                start=Start.of(self.source, encoded, prompt.steps or 1),
                texts=(stacked([texts[at] for at in places]), self.stages.texts.negative(settings)),
            )
            varied[take] |= dict(zip(places, made, strict=True))
        for own in varied:
            on_step(prompt.units, prompt.units)
            yield [self._decoded(own[at][None], len(sounds[at])) for at in range(len(self.hits))]

    @property
    def named(self) -> bool:
        """Whether each hit is varied as what it is, and by no other word."""
        return self.own_names or self._words() == ""

    @property
    def _sounds(self) -> list[Wave]:
        longest = round(LONGEST_S * self.stages.geometry.sample_rate)
        return [hit.sound[:longest] for hit in self.hits]

    def _batches(self) -> list[tuple[int, list[int]]]:
        """The rows of latents of each batch, and the places of its hits."""
        geometry = self.stages.geometry
        rows = [geometry.rows(len(sound) + geometry.lead_in) for sound in self._sounds]
        batches = []
        for length in sorted(set(rows)):
            places = [at for at, own in enumerate(rows) if own == length]
            size = max(1, min(BATCH_HITS, BATCH_ROWS // length))
            batches += [(length, places[at : at + size]) for at in range(0, len(places), size)]
        return batches

    def _texts(
        self, batches: list[tuple[int, list[int]]], latents: list[torch.Tensor]
    ) -> tuple[dict[int, Embeddings], bool]:
        """The text of each hit, and whether it guides. If the musician named no sound, a hit has its own name; if there are no other words,
        it needs no guidance."""
        texts, kit, words = self.stages.texts, self.stages.kit, self._words()
        if words is None:
            return {at: texts.positive(self.prompt) for _, places in batches for at in places}, not self.own_names
        assert texts.vocabulary is not None and kit is not None
        encoded: dict[int, Embeddings] = {}
        for (_, places), latent in zip(batches, latents, strict=True):
            rows = [max(1, round(len(self._sounds[at]) / self.stages.geometry.row_samples)) for at in places]
            for at, noun in zip(places, kit.nouns(latent, rows), strict=True):
                hit = texts.vocabulary.hear(f"{words} {noun}")
                encoded[at] = texts.encoded(hit.text)
                self.words.extend([hit.words] if hit.words not in self.words else [])
        return encoded, bool(words)

    def _words(self) -> str | None:
        """The words for all hits besides their names; None if these are not to be used."""
        vocabulary, prompt = self.stages.texts.vocabulary, self.prompt
        if vocabulary is None:
            return None
        if self.own_names:
            return ""
        heard, own = vocabulary.hear(prompt.text), prompt.text == self.source.words
        if heard.noun and not own:
            return None
        around = vocabulary.hear(prompt.full_text.replace(prompt.text, "", 1))
        words = [word for word in around.words.split() if word not in around.noun.split()]
        return " ".join([*([] if own else [heard.words]), *words]).strip()

    def _generator(self, take: int) -> torch.Generator:
        return self.stages.generators(self.prompt)[take]

    def _noise(self, take: int, places: list[int]) -> torch.Tensor:
        """Noise (places, channels, rows, width) of a take, which does not depend on the batch: the same for all hits, or for each another
        seed. The rows are those of the longest hit."""
        rows = self.stages.geometry.rows_for(LONGEST_S)
        seeds = [seed_after(self.prompt.seed_of(take + 1), 0 if self.alike else at * APART) for at in places]
        return torch.cat([self.stages.noise([torch.Generator("cpu").manual_seed(seed)], rows) for seed in seeds])

    def _decoded(self, latents: torch.Tensor, frames: int) -> Wave:
        needed = frames + self.stages.geometry.lead_in
        return np.concatenate(list(self.stages.decoder.pieces(latents, PLAIN, needed, frames)))


def _same_length(waves: Sequence[Wave]) -> Wave:
    length = max(SHORTEST, *(len(wave) for wave in waves), 0)
    return np.stack([np.pad(wave, (0, length - len(wave))) for wave in waves])


def _part(on_step: OnStep, number: int, parts: int, units: int) -> OnStep:
    """Counts the steps of part `number` of `parts` as a share of all units."""

    def part_step(step: int, steps: int) -> None:
        on_step((number * units + step * units // max(1, steps)) // parts, units)

    return part_step
