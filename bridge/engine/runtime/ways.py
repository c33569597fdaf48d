"""By which way the network runs: traced on a CPU, by CUDA graphs on such a GPU, or as it is."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch

from bridge.engine.runtime.graphs import Capture, Captured, CudaCapture
from bridge.engine.runtime.network import Eager, Example, Network
from bridge.engine.runtime.tracing import traced

log = logging.getLogger("clipbridge")

# Above that a step is long and Python's share of it is not: tracing would only hold the weights twice.
MOST_TRACED_PARAMETERS = 100_000_000


class Opened(NamedTuple):
    """`way`: how the network runs now; `shortcoming`: a sentence, if it is not the way that was asked for."""

    network: Network
    way: str
    shortcoming: str = ""


def open_network(
    asked: str, compute: str, unet: Any, example: Callable[[], Example], folder: Path, name: str
) -> Opened:
    """The UNet as a Network, ready. `asked`: `trace`, `graphs`, `off`, or `auto`: graphs on CUDA, and on a CPU traced where
    that was measured to be faster. Where that fails, the network runs as it is. `example`: makes inputs of a batch of two.
    `folder`, `name`: see `traced`."""
    small = sum(weights.numel() for weights in unet.parameters()) < MOST_TRACED_PARAMETERS
    best = {"cuda": "graphs", "cpu": "trace" if small else "off"}.get(compute, "off")
    way = best if asked == "auto" else asked
    try:
        if way == "trace":
            return Opened(traced(unet, example(), folder, name), way)
        if way == "graphs":
            return Opened(captured(unet, example(), CudaCapture()), way)
    except Exception as error:  # TorchScript and CUDA raise anything; it is told, and we go on without
        log.info("engine.compile %s failed", way, exc_info=error)
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        without = f"engine.compile = {way} does not work here, so the network runs without ({reason})"
        return Opened(Eager(unet).eval(), "off", without)
    return Opened(Eager(unet).eval(), "off")


def captured(unet: Any, example: Example, capture: Capture) -> Captured:
    """The UNet by graphs. Raises RuntimeError if not even the graph of `example` works here."""
    network = Captured(Eager(unet).eval(), capture)
    with torch.no_grad():
        network(*example)
    if network.refused:
        raise RuntimeError(network.refused)
    return network
