"""A network on disk: its settings (JSON) beside its weights (safetensors). Nothing in it can run code."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from bridge.checkpoints.audiolm import NAME_OF_SETTINGS
from bridge.errors import NoModel
from bridge.system.writing import write_whole

WEIGHTS = "model.safetensors"
LARGEST = {"width": 4_096, "depth": 64, "heads": 64, "books": 32, "codes": 65_536, "dimensions": 1_024, "bands": 512}


def save(network: Any, folder: Path) -> None:
    """Write a network with its `config`, a dataclass, into a folder, in half precision. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = json.dumps(dataclasses.asdict(network.config), indent=1, sort_keys=True) + "\n"
    write_whole(folder / NAME_OF_SETTINGS, settings.encode())
    save_file({name: value.half().contiguous() for name, value in network.state_dict().items()}, folder / WEIGHTS)


def load(folder: Path, kind: Any, settings: Any) -> Any:
    """The network of class `kind`, whose settings are the dataclass `settings`, in single precision. Raises NoModel."""
    try:
        content = json.loads((folder / NAME_OF_SETTINGS).read_text("utf-8"))
        if not isinstance(content, dict) or set(content) != {field.name for field in dataclasses.fields(settings)}:
            raise ValueError("its settings are not those of this version")
        for name, value in content.items():
            if type(value) not in (int, bool) or not 0 <= value <= LARGEST.get(name, 1_000_000):
                raise ValueError(f"{name} cannot be {value!r}")
        with torch.device("meta"):
            network = kind(settings(**content))
        weights = {name: value.float() for name, value in load_file(folder / WEIGHTS).items()}
        network.load_state_dict(weights, assign=True)
    except (
        OSError,
        ValueError,
        TypeError,
        KeyError,
        RuntimeError,
        ArithmeticError,
        SafetensorError,
        RecursionError,
    ) as error:
        reason = " ".join(str(error).split())[:200]
        raise NoModel(f"{folder} is damaged ({type(error).__name__}: {reason}). Fetch or learn it again.") from error
    return network.eval().requires_grad_(False)
