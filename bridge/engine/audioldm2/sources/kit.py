"""Name the hits of a rhythm: each gets the name of the sound of the checkpoint that it resembles most.

With its own name a hit stays what it is at every strength; without words, a hat becomes a shaker above a strength of .5.
bench/RESULTS.md has the figures.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from bridge.domain.clip import Prompt
from bridge.engine.audioldm2.hearing import Vocabulary
from bridge.engine.audioldm2.sources.method import Stages
from bridge.engine.audioldm2.text import stacked

# What rhythms are made of. A vocabulary may lack some of them.
SOUNDS = (
    "kick", "808", "snare", "clap", "rim", "closed_hat", "open_hat", "ride", "crash", "tom", "conga", "shaker", "cowbell", "clave",
    "tambourine", "bass", "pluck", "stab", "mallet", "bell",
)  # fmt: skip
# The sounds with which hits are compared.
PROMPT = Prompt("", "", 0.5, seed=1, steps=10, guidance=1.0)
BATCH_ROWS = 128  # rows of latents that run through the network together


class Kit:
    """The sounds of a checkpoint that has a vocabulary. They are made when they are first needed."""

    def __init__(self, stages: Stages, vocabulary: Vocabulary) -> None:
        self._stages = stages
        self._nouns = [noun for sound in SOUNDS if (noun := vocabulary.noun_of(sound))]
        self._rows = stages.geometry.rows_for(PROMPT.seconds)
        self._spectra: torch.Tensor | None = None

    def nouns(self, latents: torch.Tensor, rows: Sequence[int]) -> list[str]:
        """The noun of each hit with `latents` (n, channels, rows, width), of which the first `rows` sound."""
        if not self._nouns:
            return [""] * len(latents)
        if self._spectra is None:
            self._spectra = self._mel(self._made())
        scale = self._spectra.shape[2] // self._rows
        nouns = []
        for latent, sounding in zip(latents, rows, strict=True):
            frames = scale * min(sounding, self._rows, latents.shape[2])
            spectrum = self._mel(latent[None])[:, :, :frames]
            apart = (self._spectra[:, :, :frames] - spectrum).abs().mean((1, 2, 3))
            nouns.append(self._nouns[int(apart.argmin())])
        return nouns

    def _made(self) -> torch.Tensor:
        """The latents of a sound for each noun."""
        stages, size = self._stages, max(1, BATCH_ROWS // self._rows)
        noise = stages.noise(stages.generators(PROMPT), self._rows)
        made = []
        for at in range(0, len(self._nouns), size):
            nouns = self._nouns[at : at + size]
            generators = [generator for _ in nouns for generator in stages.generators(PROMPT)]
            texts = stacked([stages.texts.encoded(noun) for noun in nouns]), None
            batch = noise.repeat(len(nouns), 1, 1, 1)
            made.append(stages.denoise(PROMPT, batch, generators, lambda step, steps: None, texts=texts))
        return torch.cat(made)

    @torch.no_grad()
    def _mel(self, latents: torch.Tensor) -> torch.Tensor:
        return torch.cat([self._stages.decoder.mel(latent[None]) for latent in latents]).float()
