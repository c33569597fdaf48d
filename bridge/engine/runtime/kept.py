"""The folder of converted networks in the cache: found by what they were made of, checked before use.

A folder has, for each network, what OpenVINO reads (`.xml`, `.bin`), an input with its answer (`.npz`), and `facts.json` with the
sizes of these files and the memory that the network needs.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch

from bridge.engine.runtime.network import agrees
from bridge.engine.runtime.openvino import Converted
from bridge.system import portable
from bridge.system.writing import write_whole

log = logging.getLogger("clipbridge")

FORMAT = 1  # of these folders
KEPT = 3  # checkpoints; a large one takes 2 GB
FACTS, TRYING, UNFINISHED = "facts.json", "trying", ".unfinished-"
MADE_WITH = ("torch", "diffusers", "transformers", "openvino")


@dataclass(frozen=True, slots=True)
class Fact:
    """What is known of a network. `memory`: bytes for each row or frame of its input."""

    name: str
    memory: int


@dataclass(frozen=True, slots=True)
class Kept:
    """An opened network and its `memory` (see Fact)."""

    network: Converted
    memory: int


def key(checkpoint: Path, parts: Iterable[str], name: str) -> str:
    """The name of the folder for these parts of a checkpoint: other weights or other libraries give another name. A weight file is
    known by its size and the time of its last change. Raises OSError."""
    stats = {}
    for part in parts:
        for file in sorted((checkpoint / part).glob("*")):
            stats[f"{part}/{file.name}"] = (file.stat().st_size, file.stat().st_mtime_ns)
    facts = [FORMAT, name, stats, {library: version(library) for library in MADE_WITH}]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def file_of(folder: Path, name: str) -> Path:
    """The file that OpenVINO opens; its weights lie beside it."""
    return folder / f"{name}.xml"


def example_of(folder: Path, name: str) -> Path:
    """The file with an input of the network, and its answer."""
    return folder / f"{name}.npz"


def finish(place: Path, facts: list[dict[str, Any]], folder: Path) -> None:
    """Complete the folder `place` and move it to `folder`. Raises OSError."""
    sizes = {file.name: file.stat().st_size for file in place.iterdir()}
    write_whole(place / FACTS, json.dumps({"sizes": sizes, "networks": facts}).encode())
    forget(folder)
    portable.replace(place, folder)
    _prune(folder)


def opened(folder: Path, device: str, threads: int) -> dict[str, Kept] | None:
    """The networks in `folder` by their names, each after it gave the right answer; None if they are absent or damaged, and then
    the folder is gone. Raises RuntimeError if a process that opened them ended there: they are not tried again."""
    try:
        facts = json.loads((folder / FACTS).read_bytes())
        sizes = {file.name: file.stat().st_size for file in folder.iterdir() if file.name not in (FACTS, TRYING)}
        if sizes != facts["sizes"]:
            raise ValueError("a file is missing or cut")
        with _trying(folder):
            networks = {fact["name"]: _checked(folder, fact, device, threads) for fact in facts["networks"]}
        os.utime(folder)  # the last use
        return networks
    except FileNotFoundError:
        forget(folder)
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        log.info("%s is damaged, converting again: %s", folder, error)
        forget(folder)
    return None


def forget(folder: Path) -> None:
    """Remove a folder, so that its networks are converted again."""
    shutil.rmtree(folder, ignore_errors=True)


def _checked(folder: Path, fact: dict[str, Any], device: str, threads: int) -> Kept:
    """Open one network. Raises ValueError if its answer is wrong."""
    try:
        network = Converted(file_of(folder, fact["name"]), device, threads)
        with np.load(example_of(folder, fact["name"]), allow_pickle=False) as example:
            arrays = {name: torch.from_numpy(example[name]) for name in example.files}
        answer = arrays.pop("answer")
        right = agrees(network, tuple(arrays[f"input{at}"] for at in range(len(arrays))), answer)
    except RuntimeError as error:  # OpenVINO raises nothing else
        raise ValueError(str(error)) from error
    if not right:
        raise ValueError(f"{fact['name']} gives another answer than before")
    return Kept(network, int(fact["memory"]))


@contextlib.contextmanager
def _trying(folder: Path) -> Iterator[None]:
    """Leave a mark while the networks are opened, which on an unsuitable processor may end this process. Raises RuntimeError if
    an earlier process left its mark."""
    mark = folder / TRYING
    with contextlib.suppress(OSError, ValueError):
        owner = int(mark.read_text())
        if not psutil.pid_exists(owner):
            raise RuntimeError("opening the converted networks ended the engine before")
    with contextlib.suppress(OSError):  # a full disk
        mark.write_text(str(os.getpid()))
    yield
    with contextlib.suppress(OSError):
        mark.unlink()


def _prune(newest: Path) -> None:
    """Remove all folders but the KEPT that were used last."""
    with contextlib.suppress(OSError):
        folders = [each for each in newest.parent.iterdir() if each.is_dir() and not each.name.startswith(UNFINISHED)]
        for folder in sorted(folders, key=lambda each: each.stat().st_mtime)[:-KEPT]:
            shutil.rmtree(folder, ignore_errors=True)
