"""How a network runs: traced on a CPU, by CUDA graphs on such a GPU, or unchanged."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch

from bridge.engine.runtime.graphs import Capture, Captured, CudaCapture, Layout
from bridge.engine.runtime.network import Inputs, Network
from bridge.engine.runtime.tracing import traced

log = logging.getLogger("clipbridge")

# A larger network takes so long for a step that Python hardly counts, and a trace would hold its weights twice.
MOST_TRACED_PARAMETERS = 100_000_000


class Opened(NamedTuple):
    """`way`: how the network runs. `shortcoming`: a sentence, if that is not the requested way."""

    network: Network
    way: str
    shortcoming: str = ""


def open_network(
    requested: str,
    compute: str,
    network: torch.nn.Module,
    layout: Layout,
    example: Callable[[], Inputs],
    folder: Path,
    name: str,
) -> Opened:
    """The network, ready to run. `requested`: `trace`, `graphs`, `off`, or `auto`: graphs on CUDA, and a trace on a CPU if
    the network is small. If that fails, the network runs unchanged. `example`: makes inputs of a batch of two. `folder`,
    `name`: see `traced`."""
    small = sum(weights.numel() for weights in network.parameters()) < MOST_TRACED_PARAMETERS
    best = {"cuda": "graphs", "cpu": "trace" if small else "off"}.get(compute, "off")
    way = best if requested == "auto" else requested
    try:
        if way == "trace":
            return Opened(traced(network, example(), folder, name), way)
        if way == "graphs":
            return Opened(captured(network, layout, example(), CudaCapture()), way)
    except Exception as error:  # TorchScript and CUDA raise anything; it is reported, and the engine goes on
        log.info("engine.compile %s failed", way, exc_info=error)
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        without = f"engine.compile = {way} does not work here, so the network runs without ({reason})"
        return Opened(network, "off", without)
    return Opened(network, "off")


def captured(network: torch.nn.Module, layout: Layout, example: Inputs, capture: Capture) -> Captured:
    """The network by graphs. Raises RuntimeError if not even the graph of `example` works here."""
    by_graphs = Captured(network, layout, capture)
    by_graphs.prepare(example)
    if by_graphs.refused:
        raise RuntimeError(by_graphs.refused)
    return by_graphs
