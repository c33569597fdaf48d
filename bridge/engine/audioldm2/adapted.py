"""The UNets that LoRA files with words of their own make of a checkpoint's. Each is used where its word is heard; no other sound
moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from bridge.checkpoints import adapted
from bridge.checkpoints.loras import Lora
from bridge.engine.audioldm2.pipeline import Pipeline
from bridge.engine.audioldm2.unet import Unet
from bridge.engine.lora import merge
from bridge.engine.runtime.network import Network
from bridge.engine.runtime.threads import several
from bridge.errors import NoModel

Said = tuple[tuple[str, float], ...]
"""Words, each with the share of it that was asked for; see Heard.own."""


class Adapted:
    """`words`: those of the LoRA files, and what each is by the checkpoint's own words. One UNet is kept, that of the words that were said
    last; reading and changing another one of the starter takes a quarter of a second. It runs as it is, not converted, on this number of
    `threads`; 0: on a GPU. Raises NoModel for a file that was learned from another checkpoint than that in `folder`, or does not fit."""

    def __init__(self, pipe: Pipeline, loras: Sequence[Lora], folder: Path, threads: int = 0) -> None:
        self._pipe, self._threads = pipe, threads
        self._loras = {lora.facts.word: lora for lora in loras if lora.facts.word}
        self.words = {word: lora.facts.usual for word, lora in self._loras.items()}
        self._said: Said = ()
        self._networks: tuple[Network, Network | None] | None = None
        for lora in self._loras.values():
            if lora.facts.base != adapted.fingerprint(folder):
                raise NoModel(
                    f"{lora.name!r} was learned from another checkpoint, or from another edition of this one. Learn its folder again."
                )
        if self.words:
            self.networks(tuple((word, 1.0) for word in self.words))  # a file that does not fit is refused now

    def networks(self, said: Said) -> tuple[Network, Network | None]:
        """The UNet for these words, and the one for few steps if the checkpoint has one. Raises NoModel."""
        if self._networks is None or said != self._said:
            chosen = [(self._loras[word], share) for word, share in said]
            loras = [replace(lora, strength=share * lora.strength) for lora, share in chosen]
            unet, few = self._pipe.read_unets()
            for network in filter(None, (unet, few)):
                merge(network, loras)
            self._networks = self._runnable(unet), None if few is None else self._runnable(few)
            self._said = said
        return self._networks

    def _runnable(self, unet: Any) -> Network:
        network = Unet(unet).eval()

        def run(*inputs: torch.Tensor) -> torch.Tensor:
            # Beside converted networks, torch has one thread.
            with several(self._threads):
                return network(*inputs)

        return run if self._threads else network
