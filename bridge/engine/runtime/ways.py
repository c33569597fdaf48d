"""How a network runs: converted for a processor, by CUDA graphs or compiled blocks on such a GPU, or as it is."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import NamedTuple

import torch

from bridge.engine.runtime import inductor
from bridge.engine.runtime.graphs import Capture, Captured, CudaCapture, Layout
from bridge.engine.runtime.network import Inputs, Network

log = logging.getLogger("clipbridge")

BEST = {"cuda": "graphs", "cpu": "openvino", "intel": "openvino"}


class Opened(NamedTuple):
    """`way`: how the network runs. `shortcoming`: a sentence, if that is not the requested way."""

    network: Network
    way: str
    shortcoming: str = ""


def way_of(requested: str, compute: str) -> str:
    """`openvino` (see `conversions`), `graphs`, `inductor` or `off`. `auto` is the best of them for a compute; on an AMD card,
    where graphs have not been measured, it is `off`."""
    if requested != "auto":
        return requested
    return "off" if compute == "cuda" and torch.version.hip else BEST.get(compute, "off")


def open_network(
    way: str,
    network: torch.nn.Module,
    layout: Layout,
    example: Callable[[], Inputs],
    capture: Callable[[], Capture] = CudaCapture,
) -> Opened:
    """The network, ready to run by `graphs` or `inductor`, or as it is if that fails. `example`: makes inputs of a batch of two."""
    if way not in ("graphs", "inductor"):
        return Opened(network, "off")
    try:
        if way == "inductor":
            return Opened(inductor.compiled(network, layout, example()), way)
        return Opened(captured(network, layout, example(), capture()), way)
    except Exception as error:  # CUDA and compilers raise anything; it is reported, and the engine goes on
        log.info("engine.compile %s failed", way, exc_info=error)
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        without = f"engine.compile = {way} does not work here, so the network runs as it is ({reason})"
        return Opened(network, "off", without)


def captured(network: torch.nn.Module, layout: Layout, example: Inputs, capture: Capture) -> Captured:
    """The network by graphs. Raises RuntimeError if not even the graph of `example` works here."""
    by_graphs = Captured(network, layout, capture)
    by_graphs.prepare(example)
    if by_graphs.refused:
        raise RuntimeError(by_graphs.refused)
    return by_graphs
