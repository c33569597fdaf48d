"""CUDA graphs: all kernels of a network in one launch, where a GPU would wait for 1,611 launches a step.

A graph belongs to the shapes of its inputs. Nothing is compiled: a capture costs about four steps, once for each shape,
so an unusual shape is captured when it first occurs.
"""

from __future__ import annotations

import contextlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Protocol

import torch

from bridge.engine.runtime.network import Inputs, Network, agrees

log = logging.getLogger("clipbridge")

MOST_GRAPHS = 96

Run = Callable[[], torch.Tensor]
Capture = Callable[[Run], Run]
"""Captures a function that reads and writes the same tensors at each call; returns the function that replays it."""


class Layout(Protocol):
    """Which inputs of a family's network share a graph."""

    def key(self, inputs: Inputs) -> Hashable | None:
        """The name of the graph for these inputs; None if a graph gains nothing or cannot hold them."""

    def padded(self, inputs: Inputs) -> Inputs:
        """A copy of the inputs, padded to the sizes of their graph."""

    def fill(self, fixed: Inputs, inputs: Inputs) -> None:
        """Copy inputs into the tensors that a graph reads."""


class CudaCapture:
    """Captures on a stream of its own. All graphs share one memory pool: they run one after the other, and the result of one
    is copied before the next runs."""

    def __init__(self) -> None:
        self._stream, self._pool = torch.cuda.Stream(), torch.cuda.graph_pool_handle()

    def __call__(self, run: Run) -> Run:
        """Raises what CUDA raises, for example torch.OutOfMemoryError."""
        self._stream.wait_stream(torch.cuda.current_stream())
        graph = torch.cuda.CUDAGraph()
        # A failed capture does not leave its stream: this restores the current one.
        with torch.cuda.stream(torch.cuda.current_stream()):
            with torch.cuda.stream(self._stream):
                run()  # CUDA initialises things in the first run on a stream, which a capture does not allow
            try:
                # Other threads of this process may use CUDA meanwhile: check this one only.
                with torch.cuda.graph(graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"):
                    answer = run()
            except RuntimeError:
                # After a failed capture the allocator still uses the pool, which no later capture can use.
                with contextlib.suppress(RuntimeError, AttributeError):  # a private function of torch
                    torch._C._cuda_endAllocateToPool(torch.cuda.current_device(), self._pool)
                self._pool = torch.cuda.graph_pool_handle()
                raise

        def replay() -> torch.Tensor:
            graph.replay()
            return answer

        return replay


@dataclass(frozen=True, slots=True)
class _Graph:
    """The tensors that a graph reads, and the function that runs it."""

    inputs: Inputs
    replay: Run


class Captured:
    """A Network that runs `network` by a graph for each key of `layout`. Call it from one thread only."""

    def __init__(self, network: Network, layout: Layout, capture: Capture) -> None:
        self._network, self._layout, self._capture = network, layout, capture
        self._graphs: OrderedDict[Hashable, _Graph | None] = OrderedDict()
        self.captures = 0
        self.refused = ""  # why the last key that was tried runs without a graph

    def __call__(self, *inputs: torch.Tensor) -> torch.Tensor:
        """See Network. Inputs that cannot be captured run without a graph, padded all the same, and so do later ones of their
        key."""
        key = self._layout.key(inputs)
        if key is None:
            return self._network(*inputs)
        graph = self._graph(key, inputs)
        if graph is None:
            return self._network(*self._layout.padded(inputs))
        self._layout.fill(graph.inputs, inputs)
        return graph.replay().clone()

    @property
    def has_graphs(self) -> bool:
        """Whether there is a graph."""
        return any(self._graphs.values())

    def forget(self) -> None:
        """Free all graphs and their memory."""
        self._graphs.clear()

    def prepare(self, inputs: Inputs) -> None:
        """Capture the graph for such inputs."""
        if (key := self._layout.key(inputs)) is not None:
            self._graph(key, inputs)

    def _graph(self, key: Hashable, inputs: Inputs) -> _Graph | None:
        if key not in self._graphs:
            self._graphs[key] = self._new_graph(inputs)
            while len(self._graphs) > MOST_GRAPHS:
                self._graphs.popitem(last=False)
        self._graphs.move_to_end(key)
        return self._graphs[key]

    @torch.no_grad()
    def _new_graph(self, inputs: Inputs) -> _Graph | None:
        """Capture a graph; None if that fails, or if the graph does not agree with the network."""
        self.captures += 1
        try:
            fixed = self._layout.padded(inputs)
            expected = self._network(*inputs)
            replay = self._capture(lambda: self._network(*fixed))
            if agrees(lambda *_inputs: replay(), inputs, expected):
                return _Graph(fixed, replay)
            self.refused = "the graph returns something else than the network"
        except RuntimeError as error:  # also torch.OutOfMemoryError: without a graph the job may fit
            self.refused = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        log.info("no CUDA graph for %s: %s", tuple(inputs[0].shape), self.refused)
        return None
