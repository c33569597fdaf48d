"""A small model of tokens with random weights, in the layout of those that ship."""

from __future__ import annotations

from pathlib import Path

import torch

from bridge.engine.audiolm import model_folder
from bridge.engine.audiolm.codec import CodecConfig, MelCodec
from bridge.engine.audiolm.coding import Coder
from bridge.engine.audiolm.mel_coder import MelCoder
from bridge.engine.audiolm.model_folder import TokenModel
from bridge.engine.audiolm.network import NetworkConfig, TokenNetwork
from bridge.engine.audiolm.words import Words

CODES = 32


def words() -> Words:
    """Three sounds and an adjective."""
    means = {"kick": ["kick"], "bd": ["kick"], "pad": ["pad"], "drum loop": ["drum_loop"], "deep": ["pitch low"]}
    nouns = ["kick", "bd", "pad", "drum loop"]
    return Words(
        ["kick", "pad", "drum_loop", "pitch low"], means, nouns, {"drum_loop": (90, 130)}, ["pad", "drum_loop"]
    )


def network(causal: bool) -> TokenNetwork:
    """A network of two layers whose clock and words matter."""
    torch.manual_seed(5 + causal)
    made = TokenNetwork(NetworkConfig(words=4, causal=causal, codes=CODES, width=32, depth=2, heads=2))
    with torch.no_grad():
        for parameter in (made.clock.weight, made.unasked, made.begin):
            parameter.normal_(std=0.3)
        for name, parameter in made.named_parameters():
            if parameter.dim() > 1 and "norm" not in name:
                parameter.normal_(std=0.3)
    return made.eval()


def codec() -> MelCodec:
    """A small codec."""
    torch.manual_seed(4)
    made = MelCodec(CodecConfig(width=16, dimensions=8, codes=CODES)).eval()
    made.codebooks.normal_(std=0.3)
    return made


def model(coder: Coder | None = None) -> TokenModel:
    """The whole model, by default with the small codec."""
    return TokenModel(coder or MelCoder(codec()), network(True), network(False), words())


def saved(folder: Path, coder: Coder | None = None) -> Path:
    """The model as a folder."""
    model_folder.save(model(coder), folder)
    return folder
