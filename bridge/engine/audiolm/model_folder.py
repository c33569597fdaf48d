"""A model of tokens on disk: one folder with settings (JSON), weights (safetensors) and words. Nothing in it can run code."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from bridge.checkpoints.audiolm import INDEX, NAME_OF_SETTINGS
from bridge.checkpoints.reading import read_json
from bridge.engine.audiolm import hierarchy as hierarchy_module
from bridge.engine.audiolm import networks
from bridge.engine.audiolm.codec import CodecConfig, MelCodec
from bridge.engine.audiolm.coding import Coder
from bridge.engine.audiolm.hierarchy import Hierarchy
from bridge.engine.audiolm.mel_coder import MelCoder
from bridge.engine.audiolm.network import NetworkConfig, TokenNetwork
from bridge.engine.audiolm.words import Words
from bridge.errors import NoModel
from bridge.system.writing import write_whole

ORDERS, STAGES, CENTRES = ("causal", "masked"), ("semantic", "coarse", "fine"), "centres.safetensors"


@dataclass(frozen=True, slots=True)
class TokenModel:
    """A coder, a network for each order, and the words that both networks know."""

    coder: Coder
    causal: TokenNetwork
    masked: TokenNetwork
    words: Words


def save(model: TokenModel, folder: Path) -> None:
    """Write a model into a folder, in half precision."""
    model.coder.save(folder / "codec")
    for part in ORDERS:
        networks.save(getattr(model, part), folder / part)
    model.words.save(folder)
    write_whole(folder / "model_index.json", (json.dumps(INDEX, indent=1) + "\n").encode())


def load(folder: Path) -> TokenModel:
    """The model in a folder, in single precision. Raises NoModel with a sentence."""
    words, coder = Words.read(folder), load_coder(folder / "codec")
    causal, masked = (networks.load(folder / order, TokenNetwork, NetworkConfig) for order in ORDERS)
    for order, network in ((True, causal), (False, masked)):
        shape = network.config.words, network.config.books, network.config.codes, network.config.causal
        if shape != (len(words.tokens), coder.books, coder.codes, order):
            raise NoModel(f"{folder}: its networks, its codec and its words do not belong together.")
    return TokenModel(coder, causal, masked, words)


def load_coder(folder: Path) -> Coder:
    """The codec in a folder: one of ours, or a published one. Raises NoModel."""
    if "model_type" in read_json(folder / NAME_OF_SETTINGS):
        from bridge.engine.audiolm.pulled_coder import PulledCoder

        return PulledCoder.load(folder)
    return MelCoder(networks.load(folder, MelCodec, CodecConfig))


def save_hierarchy(hierarchy: Hierarchy, words: Words, folder: Path) -> None:
    """Write the three stages into a folder, in half precision, with their codec and words."""
    for part in ("codec", *STAGES):
        networks.save(getattr(hierarchy, part), folder / part)
    save_file({"centres": hierarchy.centres.half()}, folder / CENTRES)
    words.save(folder)


def load_hierarchy(folder: Path) -> tuple[Hierarchy, Words]:
    """The three stages in a folder, and their words. Raises NoModel."""
    words, codec = Words.read(folder), networks.load(folder / "codec", MelCodec, CodecConfig)
    stages = {stage: networks.load(folder / stage, TokenNetwork, NetworkConfig) for stage in STAGES}
    file = folder / CENTRES
    try:
        centres = load_file(file)["centres"].float()
    except (OSError, SafetensorError, KeyError) as error:
        raise NoModel(f"{file} is damaged ({type(error).__name__}: {error}). Train it again.") from error
    hierarchy = Hierarchy(codec, centres, **stages)
    fits = all(network.config.codes == hierarchy.alphabet.size for network in stages.values())
    if not fits or tuple(centres.shape) != (hierarchy_module.CENTRES, codec.config.dimensions):
        raise NoModel(f"{folder}: its parts do not belong together.")
    return hierarchy, words
