"""The UNets that LoRA files with words of their own make of a checkpoint's. Each is used where its word is heard; no other sound
moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bridge.checkpoints import adapted
from bridge.checkpoints.loras import Lora
from bridge.engine.audioldm2.pipeline import Pipeline
from bridge.engine.audioldm2.unet import Unet
from bridge.engine.lora import merge
from bridge.engine.runtime.network import Network
from bridge.errors import NoModel

Said = tuple[tuple[str, float], ...]
"""Words, each with the share of it that was asked for; see Heard.own."""


class Adapted:
    """`words`: those of the LoRA files, and what each is by the checkpoint's own words. One UNet is kept, that of the words that were said
    last; reading and changing another one of the starter takes a tenth of a second. It runs as it is, not converted. Raises NoModel for a
    file that was learned from another checkpoint than that in `folder`, or does not fit."""

    def __init__(self, pipe: Pipeline, loras: Sequence[Lora], folder: Path) -> None:
        self._pipe = pipe
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
            self._networks = Unet(unet).eval(), None if few is None else Unet(few).eval()
            self._said = said
        return self._networks
