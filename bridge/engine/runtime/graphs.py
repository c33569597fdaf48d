"""The UNet as CUDA graphs: its kernels in one launch, where 1,611 launches a step are what a GPU waits for (FACTS A2.6).

A graph belongs to shapes. Shapes are few: rows come in the unit of the network, T5 states are padded to a fixed width,
which leaves the sound as it is (FACTS A2.3), and what is too large to gain anything runs as it is. Nothing is compiled:
capturing costs about four steps, once for each shape, so an unusual one is captured when it is first asked for.
"""

from __future__ import annotations

import contextlib
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import torch

from bridge.engine.runtime.network import Example, Network, agrees

log = logging.getLogger("clipbridge")

# T5 states are padded to the first that holds them: 64 tokens are 40 words and a preset's. Longer texts are cut before (512).
WIDTHS = (64, 256, 512)
# Rows of all of a batch, up to which launching takes longer than computing; the memory of the largest graph is held for
# good. 1,024 rows of AudioLDM 2 are two guided takes of 10.24 s.
MOST_ROWS = 1_024
MOST_GRAPHS = 96

Shape = tuple[torch.Size, torch.Size, int, int, torch.dtype]
"""Of the latents and of the GPT-2 states; texts, and the width of their T5 states; the timestep's kind of number."""
Run = Callable[[], torch.Tensor]
Capture = Callable[[Run], Run]
"""Takes what is to be captured, which reads and writes the same tensors each time; returns what repeats it."""


class CudaCapture:
    """Captures on a stream of its own. All graphs share one pool of memory: they run one after the other, and what one
    made is copied before the next runs."""

    def __init__(self) -> None:
        self._stream, self._pool = torch.cuda.Stream(), torch.cuda.graph_pool_handle()

    def __call__(self, run: Run) -> Run:
        """Raises what CUDA raises, torch.OutOfMemoryError among it."""
        self._stream.wait_stream(torch.cuda.current_stream())
        graph = torch.cuda.CUDAGraph()
        # A capture that fails leaves its stream in place: this puts back the one that was there.
        with torch.cuda.stream(torch.cuda.current_stream()):
            with torch.cuda.stream(self._stream):
                run()  # what CUDA makes at the first run on a stream may not be made in a capture
            try:
                # Other threads of this process may use CUDA meanwhile: only this one is watched.
                with torch.cuda.graph(graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"):
                    answer = run()
            except RuntimeError:
                # A capture that CUDA breaks off leaves the allocator at it, and the pool is of no use for the next one.
                with contextlib.suppress(RuntimeError, AttributeError):  # it is torch's own affair
                    torch._C._cuda_endAllocateToPool(torch.cuda.current_device(), self._pool)
                self._pool = torch.cuda.graph_pool_handle()
                raise

        def replay() -> torch.Tensor:
            graph.replay()
            return answer

        return replay


@dataclass(frozen=True, slots=True)
class _Graph:
    """The tensors that a graph reads, and what runs it."""

    given: Example
    replay: Run


class Captured:
    """A Network that runs `network` by a graph for each shape. Give it the same thread always (FACTS A9)."""

    def __init__(self, network: Network, capture: Capture) -> None:
        self._network, self._capture = network, capture
        self._graphs: OrderedDict[Shape, _Graph | None] = OrderedDict()
        self.captures = 0
        self.refused = ""  # why the last shape that was tried runs as it is

    def __call__(
        self, latents: torch.Tensor, timestep: torch.Tensor, gpt2: torch.Tensor, t5: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        """See Network. What cannot be captured runs as it is, padded as in a graph, and so does that shape from then on."""
        given = latents, timestep, gpt2, t5, mask
        shape = key(given)
        if shape is None:
            return self._network(*given)
        graph = self._graph(shape, given)
        if graph is None:
            return self._network(*padded(given))
        fill(graph.given, given)
        return graph.replay().clone()

    @property
    def holds(self) -> bool:
        """Whether there is a graph."""
        return any(self._graphs.values())

    def forget(self) -> None:
        """Let go of all graphs and their memory."""
        self._graphs.clear()

    def prepare(self, example: Example, rows: int) -> None:
        """Capture for latents of so many rows, with inputs as those of `example` else."""
        latents, timestep, gpt2, t5, mask = example
        given = latents.new_zeros(*latents.shape[:2], rows, latents.shape[3]), timestep, gpt2, t5, mask
        if (shape := key(given)) is not None:
            self._graph(shape, given)

    def _graph(self, shape: Shape, given: Example) -> _Graph | None:
        if shape not in self._graphs:
            self._graphs[shape] = self._made(given)
            while len(self._graphs) > MOST_GRAPHS:
                self._graphs.popitem(last=False)
        self._graphs.move_to_end(shape)
        return self._graphs[shape]

    @torch.no_grad()
    def _made(self, given: Example) -> _Graph | None:
        """The graph for what is given; None if there can be none, or if it gives something else than the network."""
        self.captures += 1
        try:
            fixed = padded(given)
            answer = self._network(*given)
            replay = self._capture(lambda: self._network(*fixed))
            if agrees(lambda *_given: replay(), given, answer):
                return _Graph(fixed, replay)
            self.refused = "the graph gives something else than the network"
        except RuntimeError as error:  # torch.OutOfMemoryError is one: the job may fit without
            self.refused = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        log.info("no CUDA graph for %s: %s", tuple(given[0].shape), self.refused)
        return None


def key(given: Example) -> Shape | None:
    """What a graph is kept under; None for what gains nothing by one, or fits into none."""
    latents, timestep, gpt2, t5, mask = given
    if latents.shape[0] * latents.shape[2] > MOST_ROWS or t5.shape[1] > WIDTHS[-1]:
        return None
    # Some schedulers' timesteps are whole numbers, those of others would be cut to such.
    return latents.shape, gpt2.shape, len(mask), width(t5.shape[1]), timestep.dtype


def width(tokens: int) -> int:
    """The fixed width that holds so many tokens."""
    return next(wide for wide in WIDTHS if tokens <= wide)


def padded(given: Example) -> Example:
    """What is given in tensors of its own, the T5 states and their mask at a fixed width."""
    latents, timestep, gpt2, t5, mask = given
    wide = width(t5.shape[1])
    fixed = (
        torch.empty_like(latents, memory_format=torch.contiguous_format),
        torch.empty_like(timestep),
        torch.empty_like(gpt2, memory_format=torch.contiguous_format),
        t5.new_zeros(t5.shape[0], wide, t5.shape[2]),
        mask.new_zeros(mask.shape[0], wide),
    )
    fill(fixed, given)
    return fixed


def fill(fixed: Example, given: Example) -> None:
    """Copy what is given into what a graph reads. The mask hides what is behind a text, unless it is no number."""
    latents, timestep, gpt2, t5, mask = given
    fixed[0].copy_(latents)
    fixed[1].copy_(timestep)
    fixed[2].copy_(gpt2)
    fixed[3][:, : t5.shape[1]].copy_(t5)
    fixed[3][:, t5.shape[1] :].zero_()
    fixed[4].zero_()
    fixed[4][:, : mask.shape[1]].copy_(mask)
