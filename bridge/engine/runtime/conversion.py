"""Convert networks for OpenVINO: exported by torch, checked against torch, and kept in a folder with what the next start needs.

Runs in a process of its own (see `converting`), because torch needs ten seconds or more of a core for an export, in which jobs are
served by the networks as they are.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import os
import shutil
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch

from bridge.engine.runtime import kept, openvino
from bridge.engine.runtime.network import Inputs, agrees
from bridge.system import portable

PROGRESS = "progress "  # a line of standard output that begins so holds JSON: done, total, what


@dataclass(frozen=True, slots=True)
class Part:
    """A network to convert. `dynamic`: for each of its inputs, the sizes that differ from call to call, as torch.export takes them.
    `example` is exported; its sizes are all different and above 1, which torch would take for constants. `tried`: further inputs
    for which the converted network must agree. `measured`: two inputs and their rows or frames, of which the memory for each row or
    frame is known."""

    name: str
    module: torch.nn.Module
    example: Inputs
    dynamic: tuple[Any, ...]
    tried: tuple[Inputs, ...]
    measured: tuple[tuple[int, Inputs], tuple[int, Inputs]]


@torch.no_grad()
def convert(part: Part, folder: Path, threads: int) -> kept.Fact:
    """Write `part` into `folder`, with its answer to the first of the inputs that were tried. Raises what torch and OpenVINO raise,
    and RuntimeError if it does not agree."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what torch will rename
        exported = torch.export.export(part.module.eval(), part.example, dynamic_shapes=part.dynamic, strict=False)
        openvino.save(exported, kept.file_of(folder, part.name))
    del exported
    network = openvino.Converted(kept.file_of(folder, part.name), openvino.PROCESSOR, threads)
    for inputs in (part.example, *part.tried):
        if not agrees(network, inputs, part.module(*inputs)):
            raise RuntimeError(f"the converted {part.name} returns something else than the network")
    answer = network(*part.tried[0])
    arrays = {f"input{at}": tensor.numpy() for at, tensor in enumerate(part.tried[0])}
    np.savez(kept.example_of(folder, part.name), **arrays, answer=answer.numpy())
    held = []
    for _units, inputs in part.measured:
        network(*inputs)  # OpenVINO keeps the memory for the next call
        held.append(psutil.Process().memory_info().rss)
    (few, _), (many, _) = part.measured
    return kept.Fact(part.name, max(0, held[1] - held[0]) // (many - few))


def write(parts: Sequence[Part], folder: Path, threads: int, on_progress: Callable[[int, int, str], None]) -> None:
    """Convert all parts into `folder`, which appears only when everything is there. Raises what `convert` raises, and OSError."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(dir=folder.parent, prefix=kept.UNFINISHED))
    try:
        facts = []
        for done, part in enumerate(parts):
            on_progress(done, len(parts), part.name)
            facts.append(dataclasses.asdict(convert(part, place, threads)))
        kept.finish(place, facts, folder)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def main() -> None:
    """The child process. Its arguments: the module that has `parts(checkpoint folder)`, that folder, the folder to write, threads."""
    portable.yield_to_the_front()
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    module, checkpoint, folder, threads = sys.argv[1:]
    torch.set_num_threads(int(threads))

    def report(done: int, total: int, what: str) -> None:
        print(PROGRESS + json.dumps([done, total, what]), flush=True)

    write(importlib.import_module(module).parts(Path(checkpoint)), Path(folder), int(threads), report)


def _end_with_stdin() -> None:
    """End this process when the engine does, whose pipe then closes."""
    with contextlib.suppress(OSError):
        os.read(0, 1)  # not through sys.stdin, whose lock would be held when this process ends
    os._exit(1)


if __name__ == "__main__":
    main()
