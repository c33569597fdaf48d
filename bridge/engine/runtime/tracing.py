"""A traced network: its operations without the Python between them, which dominates the time of a small network.

Tracing needs no compiler, so it works on any machine. It takes a second, once, and the trace is kept in a file. The sound
is the same bit for bit, and one trace serves every length, batch and prompt. A step of the starter takes 0.6 of the time.
Inductor gains as much, and compiles for one to two minutes per shape (RESULTS.md).
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
import warnings
from pathlib import Path
from typing import Any

import torch

from bridge.engine.runtime.network import Inputs, Network, agrees
from bridge.system import portable

log = logging.getLogger("clipbridge")

KEPT_TRACES = 4
TRYING = ".trying"


def traced(network: torch.nn.Module, example: Inputs, folder: Path, name: str) -> Network:
    """The traced network: from `folder`, if it has a trace of this checkpoint (`name`) by this torch that agrees with the
    network for `example`, else a new trace, which is kept there. `example` has a batch of two, because a trace would fix a
    batch of one. Raises what torch raises if it cannot trace."""
    with torch.no_grad():
        expected = network(*example)
    weights = next(network.parameters())
    key = hashlib.sha256(f"{name} {torch.__version__} {weights.device} {weights.dtype}".encode()).hexdigest()[:16]
    file = folder / f"{key}.pt"
    if (kept := _kept(file, example, expected, weights.device)) is not None:
        return kept
    with warnings.catch_warnings(), torch.no_grad():
        # torch deprecates tracing in favour of torch.export, whose modules are Python again, and warns of branches that
        # depend on shapes. Tests show that they go the same way for all shapes.
        warnings.simplefilter("ignore")
        trace = torch.jit.freeze(torch.jit.trace(network, example, check_trace=False))
    if not agrees(_unoptimised(trace), example, expected):
        raise RuntimeError("the trace returns something else than the network")
    _keep(trace, file)
    return _unoptimised(trace)


def _kept(file: Path, example: Inputs, expected: torch.Tensor, device: torch.device) -> Network | None:
    """The trace in `file`, if it can be read and agrees. It is renamed meanwhile: a file that ends or hangs this process is
    not tried again."""
    trying = file.with_suffix(TRYING)
    try:
        portable.replace(file, trying)
        network = _unoptimised(torch.jit.load(str(trying), map_location=device))
        if agrees(network, example, expected):
            portable.replace(trying, file)
            return network
        log.info("%s does not agree with the checkpoint: tracing again", file)
    except FileNotFoundError:
        return None
    except Exception as error:  # noqa: BLE001 - a damaged file raises anything
        log.info("%s cannot be used, tracing again: %s", file, error)
    return None


def _unoptimised(module: Any) -> Network:
    """TorchScript's optimiser takes 0.2 s in each of the first two runs of a kind, and gains nothing here."""

    def network(*inputs: torch.Tensor) -> torch.Tensor:
        with torch.jit.optimized_execution(False):
            predicted: torch.Tensor = module(*inputs)
        return predicted

    return network


def _keep(module: Any, file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent) as place:
            whole = Path(place) / file.name
            torch.jit.save(module, str(whole))
            portable.replace(whole, file)
        for tried in file.parent.glob(f"*{TRYING}"):
            if tried.is_file():
                tried.unlink()
        for old in sorted(file.parent.glob("*.pt"), key=lambda trace: trace.stat().st_mtime)[:-KEPT_TRACES]:
            old.unlink()
    except (OSError, RuntimeError) as error:  # a full disk: the next start traces again
        log.info("the trace cannot be kept: %s", error)
