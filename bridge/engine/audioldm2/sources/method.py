"""A method: one way to make takes from a source. `methods` chooses it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from bridge.domain.clip import Prompt
from bridge.domain.source import Source
from bridge.engine.audioldm2.decoding import Decoder
from bridge.engine.audioldm2.encoding import Encoder, sound
from bridge.engine.audioldm2.geometry import Geometry
from bridge.engine.audioldm2.starting import Kept, Start
from bridge.engine.audioldm2.text import Texts, TextSide
from bridge.engine.messages import OnStep
from bridge.files import source_file

Wave = NDArray[np.float32]
FamiliarSounds = dict[tuple[str, str | None, float | None], torch.Tensor]
"""Spectrograms by what they were made with: text, negative prompt and guidance. See Familiar."""


class Namer(Protocol):
    """Names the hits of a rhythm, see `kit`."""

    def nouns(self, latents: torch.Tensor, rows: Sequence[int]) -> list[str]:
        """The noun of each hit with `latents` (n, channels, rows, width), of which the first `rows` sound."""


class Stages(Protocol):
    """What a method uses of the engine."""

    geometry: Geometry
    texts: TextSide
    encoder: Encoder
    decoder: Decoder
    familiar_sounds: FamiliarSounds

    @property
    def kit(self) -> Namer | None:
        """Names hits; None if the checkpoint understands free text."""

    def generators(self, prompt: Prompt) -> list[torch.Generator]:
        """The random numbers of each take."""

    def noise(self, generators: list[torch.Generator], rows: int) -> torch.Tensor:
        """Noise of shape (takes, channels, rows, width)."""

    def denoise(
        self,
        prompt: Prompt,
        noise: torch.Tensor,
        generators: list[torch.Generator],
        on_step: OnStep,
        circular_from: float | None = None,
        start: Start | None = None,
        kept: Kept | None = None,
        texts: Texts | None = None,
    ) -> torch.Tensor:
        """Latents of the shape of `noise`, with the texts of the prompt unless there are others; see Denoiser.run. Its time counts as
        that of the units."""

    def plain_takes(self, prompt: Prompt, on_step: OnStep) -> Iterator[Iterator[Wave]]:
        """The pieces of each take of the prompt without its source."""

    def lack(self, name: str) -> None:
        """Say that the takes lack something that was requested, of UNMET (see Prompt)."""


@dataclass(frozen=True, slots=True)
class Material:
    """`prompt`: settled. `wave`: its source as one channel (samples,) at the checkpoint's rate, at the level of the file."""

    prompt: Prompt
    source: Source
    wave: Wave

    @classmethod
    def read(cls, prompt: Prompt, source: Source, rate: int) -> Material:
        """Read the file of a source. Raises BadSource."""
        samples, file_rate = source_file.read(source)
        return cls(prompt, source, sound(samples, file_rate, rate, circular=prompt.loop))

    def of_length(self, frames: int) -> Wave:
        """The wave, cut to `frames` or with silence behind it."""
        return np.pad(self.wave[:frames], (0, max(0, frames - len(self.wave))))


class Method(Protocol):
    """Makes the takes of one prompt."""

    @property
    def name(self) -> str:
        """Its name in /bridge/done."""

    @property
    def words(self) -> Sequence[str]:
        """What it made, in words, where these are not the words of the prompt: filled by `takes`."""

    @property
    def remark(self) -> str:
        """What the musician should know about it, or ""."""

    def takes(self, on_step: OnStep) -> Iterator[Iterator[Wave]]:
        """The pieces of each take: Geometry.frames(prompt.seconds) samples in all, or of a loop one period of any length. `on_step` counts
        up to Prompt.units; it raises JobCancelled."""


Choose = Callable[[Stages, Material], Method]
"""Chooses the method for a source. Raises Unsupported."""
