"""A model of tokens on disk: one folder with settings (JSON), weights (safetensors) and words. Nothing in it can run code."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from bridge.checkpoints.audiolm import INDEX, NAME_OF_SETTINGS
from bridge.engine.audiolm import hierarchy as hierarchy_module
from bridge.engine.audiolm.codec import CodecConfig, MelCodec
from bridge.engine.audiolm.hierarchy import Hierarchy
from bridge.engine.audiolm.network import NetworkConfig, TokenNetwork
from bridge.engine.audiolm.words import Words
from bridge.errors import NoModel
from bridge.system.writing import write_whole

WEIGHTS = "model.safetensors"
PARTS, ORDERS = ("codec", "causal", "masked"), ("causal", "masked")
STAGES, CENTRES = ("semantic", "coarse", "fine"), "centres.safetensors"
LARGEST = {"width": 4_096, "depth": 64, "heads": 64, "books": 32, "codes": 65_536, "dimensions": 1_024, "bands": 512}

Settings = TypeVar("Settings", CodecConfig, NetworkConfig)


@dataclass(frozen=True, slots=True)
class TokenModel:
    """A codec, a network for each order, and the words that both networks know."""

    codec: MelCodec
    causal: TokenNetwork
    masked: TokenNetwork
    words: Words


def save(model: TokenModel, folder: Path) -> None:
    """Write a model into a folder, in half precision."""
    for part in PARTS:
        _save(getattr(model, part), folder / part)
    model.words.save(folder)
    write_whole(folder / "model_index.json", (json.dumps(INDEX, indent=1) + "\n").encode())


def load(folder: Path) -> TokenModel:
    """The model in a folder, in single precision. Raises NoModel with a sentence."""
    words = Words.read(folder)
    codec = _part(folder / "codec", MelCodec, CodecConfig)
    networks = [_part(folder / part, TokenNetwork, NetworkConfig) for part in ORDERS]
    for part, network in zip(ORDERS, networks, strict=True):
        shape = network.config.words, network.config.books, network.config.codes, network.config.causal
        if shape != (len(words.tokens), codec.config.books, codec.config.codes, part == "causal"):
            raise NoModel(f"{folder}: the parts {part!r}, 'codec' and its words do not belong together.")
    return TokenModel(codec, networks[0], networks[1], words)


def save_hierarchy(hierarchy: Hierarchy, words: Words, folder: Path) -> None:
    """Write the three stages into a folder, in half precision, with their codec and words."""
    for part in ("codec", *STAGES):
        _save(getattr(hierarchy, part), folder / part)
    save_file({"centres": hierarchy.centres.half()}, folder / CENTRES)
    words.save(folder)


def load_hierarchy(folder: Path) -> tuple[Hierarchy, Words]:
    """The three stages in a folder, and their words. Raises NoModel."""
    words, codec = Words.read(folder), _part(folder / "codec", MelCodec, CodecConfig)
    networks = {stage: _part(folder / stage, TokenNetwork, NetworkConfig) for stage in STAGES}
    file = folder / CENTRES
    try:
        centres = load_file(file)["centres"].float()
    except (OSError, SafetensorError, KeyError) as error:
        raise NoModel(f"{file} is damaged ({type(error).__name__}: {error}). Train it again.") from error
    hierarchy = Hierarchy(codec, centres, **networks)
    fits = all(network.config.codes == hierarchy.alphabet.size for network in networks.values())
    if not fits or tuple(centres.shape) != (hierarchy_module.CENTRES, codec.config.dimensions):
        raise NoModel(f"{folder}: its parts do not belong together.")
    return hierarchy, words


def _save(network: Any, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    settings = json.dumps(dataclasses.asdict(network.config), indent=1, sort_keys=True) + "\n"
    write_whole(folder / NAME_OF_SETTINGS, settings.encode())
    save_file({name: value.half().contiguous() for name, value in network.state_dict().items()}, folder / WEIGHTS)


def _part(folder: Path, kind: Any, settings: type[Settings]) -> Any:
    try:
        content = json.loads((folder / NAME_OF_SETTINGS).read_text("utf-8"))
        names = {field.name for field in dataclasses.fields(settings)}
        if not isinstance(content, dict) or set(content) != names:
            raise ValueError("its settings are not those of this version")
        for name, value in content.items():
            if type(value) not in (int, bool) or not 0 <= value <= LARGEST.get(name, 1_000_000):
                raise ValueError(f"{name} cannot be {value!r}")
        with torch.device("meta"):
            network = kind(settings(**content))
        network.load_state_dict(
            {name: value.float() for name, value in load_file(folder / WEIGHTS).items()}, assign=True
        )
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise NoModel(f"{folder} is damaged ({type(error).__name__}: {reason}). Fetch or learn it again.") from error
    return network.eval().requires_grad_(False)
