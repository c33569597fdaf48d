"""The state of a learning in a file, to go on from: its tensors, its optimiser, and how far it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from bridge.errors import Unsupported
from bridge.system import portable
from bridge.system.writing import UNFINISHED

VERSION = 1
OPTIMISER = "optimiser"


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a state is: `base`: a fingerprint of what it learns from; `best`: the lowest loss of held-out sounds."""

    base: str
    steps: int
    best: float


def averaging(steps: int, most: float) -> float:
    """The decay of averaged weights after some steps: averages begin as the weights do, and must not hold on to that."""
    return min(most, steps / (steps + 9))


def write_state(
    file: Path, tensors: Mapping[str, torch.Tensor], optimiser: torch.optim.Optimizer, reached: Reached
) -> None:
    """Write a state, whole or not at all. Raises OSError."""
    whole = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    for place, state in optimiser.state_dict()["state"].items():
        whole |= {f"{OPTIMISER} {place} {name}": torch.as_tensor(value) for name, value in state.items()}
    facts = {"version": VERSION, "base": reached.base, "steps": reached.steps, "best": reached.best}
    unfinished = file.with_name(file.name + UNFINISHED)
    save_file(whole, unfinished, metadata={"facts": json.dumps(facts)})
    portable.replace(unfinished, file)


def read_state(
    file: Path, tensors: Mapping[str, torch.Tensor], optimiser: torch.optim.Optimizer, base: str, other: str
) -> Reached:
    """Read a state into tensors and an optimiser. Raises Unsupported if it is damaged, or not of `base`: then it says `other`."""
    try:
        with safe_open(file, framework="pt") as opened:
            facts = json.loads(opened.metadata()["facts"])
            if facts["version"] != VERSION or facts["base"] != base:
                raise ValueError(other)
            read = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - it is no dict
        with torch.no_grad():
            for name, tensor in tensors.items():
                tensor.copy_(read[name])
        states: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in read.items():
            if name.startswith(f"{OPTIMISER} "):
                _, place, key = name.split()
                states.setdefault(int(place), {})[key] = tensor
        optimiser.load_state_dict({**optimiser.state_dict(), "state": states})
        return Reached(base, int(facts["steps"]), float(facts["best"]))
    except (OSError, SafetensorError, KeyError, ValueError, TypeError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise Unsupported(f"{file} cannot be gone on from ({reason}): learn under another name.") from error
