"""Merge LoRA files into the weights of a network when it is loaded: from then on they cost nothing.

E. J. Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022: W + alpha / rank · B A.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from bridge.checkpoints.loras import Lora
from bridge.errors import NoModel

# As diffusers, peft, kohya's scripts and ComfyUI name the parts of a layer, and what they put before its name.
DOWN, UP = ("lora_A", "lora_down"), ("lora_B", "lora_up")
PART = re.compile(rf"(.+)\.({'|'.join((*DOWN, *UP))})(?:\.default)?\.weight")
PREFIXES = ("base_model.model.", "diffusion_model.", "transformer.", "unet.", "model.", "lora_unet_")
ALPHA = ".alpha"
METADATA = "lora_adapter_metadata"  # of diffusers: JSON with <network>.lora_alpha and <network>.r
PEFT_SETTINGS = "adapter_config.json"  # of peft, beside the file


@dataclass(frozen=True, slots=True)
class Change:
    """What a file adds to a weight: `scale` × `up` (out, rank, …) times `down` (rank, in, …)."""

    down: torch.Tensor
    up: torch.Tensor
    scale: float

    def fits(self, weight: torch.Tensor) -> bool:
        """Whether a weight has the size that it was trained for."""
        rank = self.down.shape[0]
        return (
            self.up.flatten(1).shape == (weight.shape[0], rank) and self.down.flatten(1).shape[1] == weight[0].numel()
        )

    def added_to(self, weight: torch.Tensor, strength: float) -> torch.Tensor:
        """The changed weight, in its precision."""
        change = self.up.flatten(1).float() @ self.down.flatten(1).float()
        return (weight.float() + strength * self.scale * change.reshape(weight.shape).to(weight.device)).to(
            weight.dtype
        )


@torch.no_grad()
def merge(network: torch.nn.Module, loras: Iterable[Lora], renamed: Mapping[str, str] | None = None) -> None:
    """Change the weights of a network. `renamed`: layers' own names for parts of the names in files. Everything is checked before anything
    is changed. Raises NoModel."""
    layers = dict(network.named_modules())
    flat = {name.replace(".", "_"): name for name in layers}
    changes: list[tuple[Any, Change, float]] = []
    for lora in loras:
        for name, change in _changes(lora.file).items():
            own = _own_name(name, renamed or {})
            layer = layers.get(own, layers.get(flat.get(own, own)))
            weight = getattr(layer, "weight", None)
            if not isinstance(weight, torch.nn.Parameter):
                raise NoModel(
                    f"{lora.file.name} was trained for another family of checkpoints: this one has no layer {own[:100]!r}."
                )
            if not change.fits(weight):
                raise NoModel(
                    f"{lora.file.name} was trained for a checkpoint of another size: its layer {own[:100]!r} is "
                    f"{change.up.shape[0]} × {change.down.flatten(1).shape[1]}, and here it is {weight.shape[0]} × {weight[0].numel()}."
                )
            changes.append((layer, change, lora.strength))
    for layer, change, strength in changes:
        layer.weight.copy_(change.added_to(layer.weight, strength))


def _own_name(name: str, renamed: Mapping[str, str]) -> str:
    while (prefix := next((one for one in PREFIXES if name.startswith(one)), "")) != "":
        name = name.removeprefix(prefix)
    return ".".join(renamed.get(part, part) for part in name.split("."))


def _changes(file: Path) -> dict[str, Change]:
    """The changes of a file by the names of layers. Raises NoModel."""
    try:
        with safe_open(file, framework="pt") as opened:
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - it is no dict
            alpha_of_rank = _alpha_of_rank(file, opened.metadata() or {})
    except (OSError, SafetensorError, RuntimeError, ValueError) as error:
        raise NoModel(f"The LoRA file {file.name} is damaged ({' '.join(str(error).split())[:200]}).") from error
    parts: dict[str, dict[bool, torch.Tensor]] = {}
    for name, tensor in tensors.items():
        if match := PART.fullmatch(name):
            parts.setdefault(match[1], {})[match[2] in UP] = tensor
        elif not name.endswith(ALPHA):
            raise NoModel(f"{file.name} is no LoRA file that can be used: {name[:100]!r} is not part of one.")
    changes = {}
    for name, part in parts.items():
        if len(part) != 2 or min(tensor.ndim for tensor in part.values()) < 2:
            raise NoModel(f"The LoRA file {file.name} is damaged: it lacks a part of {name[:100]!r}.")
        rank, alpha = part[False].shape[0], tensors.get(name + ALPHA)
        scale = alpha_of_rank if alpha is None else float(alpha) / max(1, rank)
        changes[name] = Change(part[False], part[True], scale)
    if not changes:
        raise NoModel(f"{file.name} holds no LoRA.")
    return changes


def _alpha_of_rank(file: Path, metadata: Mapping[str, str]) -> float:
    """alpha / rank of all layers, as the file or the settings beside it state it; 1 if nothing does."""
    settings: dict[str, Any] = {}
    try:
        settings = json.loads(metadata.get(METADATA, "{}"))
        if not settings and (beside := file.with_name(PEFT_SETTINGS)).is_file():
            settings = json.loads(beside.read_text("utf-8"))
        own = {name.rpartition(".")[2]: value for name, value in settings.items()}
        return float(own["lora_alpha"]) / float(own["r"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError, ZeroDivisionError, RecursionError):
        return 1.0
