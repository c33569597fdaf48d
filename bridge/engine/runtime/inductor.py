"""Regional compilation: torch.compile for the repeated blocks of a network, once for each kind of block and each shape.

Everything is compiled while warming. Afterwards, inputs of other shapes run as without it: a compiler that starts on stage
would hold a job up for minutes. torch._dynamo takes seconds to import, so only what is called here imports it.
"""

from __future__ import annotations

import copy
import functools
import itertools
import logging
import os
from collections.abc import Callable, Hashable
from pathlib import Path
from types import FunctionType
from typing import Any

import torch

from bridge.engine.runtime.graphs import Layout
from bridge.engine.runtime.network import Inputs, Network, agrees

log = logging.getLogger("clipbridge")

# Classes of diffusers, whose instances are most of a UNet.
BLOCKS = ("ResnetBlock2D", "Transformer2DModel")
# Of each kind of block: more than the shapes that are ever prepared. Beyond its own limit of 8, torch would run without.
MOST_SHAPES = 1_024

Backend = str | Callable[..., Any]


def keep_caches(folder: Path) -> None:
    """Let the compiler keep its results in `folder`, for the next start: its own choice is lost when the machine restarts. To
    be called before anything is compiled. Folders that the user's environment names stay."""
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(folder))
    os.environ.setdefault("TRITON_CACHE_DIR", str(folder / "triton"))


class Regional:
    """A Network that runs `network` with compiled blocks for the keys of `layout` that are prepared, and as it is for others.
    `network` itself stays as it is. `backend`: of torch.compile."""

    def __init__(self, network: torch.nn.Module, layout: Layout, backend: Backend = "inductor") -> None:
        self._network, self._layout = network, layout
        self._compiled = with_compiled_blocks(network, backend)
        self._prepared: set[Hashable] = set()
        self.refused = ""  # why the last shape that was prepared runs without

    @torch.no_grad()  # whether gradients are recorded is a part of what is compiled
    def __call__(self, *inputs: torch.Tensor) -> torch.Tensor:
        """See Network. Never compiles."""
        if self._layout.key(inputs) not in self._prepared:
            return self._network(*inputs)
        # Should a block see what no preparation has shown it, it runs without.
        with torch.compiler.set_stance("eager_on_recompile"):
            return self._compiled(*self._layout.padded(inputs))

    @torch.no_grad()
    def prepare(self, inputs: Inputs) -> None:
        """Compile for such inputs. If that fails, or the result does not agree with the network, they run without."""
        key = self._layout.key(inputs)
        if key is None or key in self._prepared:
            return
        import torch._dynamo

        try:
            limits = torch._dynamo.config.patch(
                recompile_limit=MOST_SHAPES, accumulated_recompile_limit=MOST_SHAPES * 100
            )
            with limits:
                self._compiled(*self._layout.padded(inputs))
            self._prepared.add(key)
            if agrees(self, inputs, self._network(*inputs)):
                return
            self.refused = "the compiled blocks return something else than the network"
        except Exception as error:  # noqa: BLE001 - the compiler raises anything; it is reported
            self.refused = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        self._prepared.discard(key)
        log.info("not compiled for %s: %s", tuple(inputs[0].shape), self.refused)


def compiled(network: torch.nn.Module, layout: Layout, example: Inputs, backend: Backend = "inductor") -> Regional:
    """The network with compiled blocks. Raises RuntimeError if not even `example` can be compiled here."""
    if backend == "inductor" and not example[0].is_cuda:
        raise RuntimeError("it needs CUDA")
    regional = Regional(network, layout, backend)
    regional.prepare(example)
    if regional.refused:
        raise RuntimeError(regional.refused)
    return regional


def with_compiled_blocks(network: torch.nn.Module, backend: Backend) -> Network:
    """A copy of the network on the same weights, whose BLOCKS are compiled."""
    weights = itertools.chain(network.parameters(), network.buffers())
    own: torch.nn.Module = copy.deepcopy(network, {id(tensor): tensor for tensor in weights})
    kinds: dict[Hashable, Callable[..., Any]] = {}
    for block in own.modules():
        if type(block).__name__ in BLOCKS:
            kind = type(block), tuple(weight.shape for weight in block.parameters())
            if kind not in kinds:
                kinds[kind] = torch.compile(_forward_of_its_own(), fullgraph=True, dynamic=False, backend=backend)
            block.forward = functools.partial(kinds[kind], block)
    return own


def _forward(block: Any, *inputs: Any, **options: Any) -> Any:
    return type(block).forward(block, *inputs, **options)


def _forward_of_its_own() -> Callable[..., Any]:
    """torch keeps what it compiled with the code of a function, and looks through all of it at each call. With code of its own,
    a kind of block does not search among the shapes of the others."""
    return FunctionType(_forward.__code__.replace(), _forward.__globals__)
