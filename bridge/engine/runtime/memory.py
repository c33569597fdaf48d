"""Measure and limit the memory that the engine takes."""

from __future__ import annotations

import contextlib
import gc
import weakref
from collections.abc import Iterator
from typing import Any

import psutil
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from bridge.system import portable

CUDA_RESERVE_BYTES = 1 << 29  # for the context, the libraries' workspaces, and the screen


class Peak:
    """`bytes`: the most memory held at a time, above what was held at the start."""

    bytes = 0


@contextlib.contextmanager
def peak(compute: str) -> Iterator[Peak]:
    """Measure the code inside. CUDA counts by itself. Elsewhere tensors are counted as they come and go, which costs about
    40 µs per operation and misses what kernels allocate for themselves."""
    measured = Peak()
    if compute == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        yield measured
        torch.cuda.synchronize()
        measured.bytes = torch.cuda.max_memory_allocated() - before
        return
    with _Living() as living:
        yield measured
    measured.bytes = living.most


@contextlib.contextmanager
def peak_in(network: torch.nn.Module, compute: str) -> Iterator[Peak]:
    """As `peak`, of the calls of a network alone."""
    measured, opened = Peak(), contextlib.ExitStack()
    inside: list[Peak] = []

    def begin(*_call: object) -> None:
        inside.append(opened.enter_context(peak(compute)))

    def end(*_call: object) -> None:
        opened.close()
        measured.bytes = max(measured.bytes, inside.pop().bytes)

    hooks = network.register_forward_pre_hook(begin), network.register_forward_hook(end, always_call=True)
    try:
        yield measured
    finally:
        for hook in hooks:
            hook.remove()


class _Living(TorchDispatchMode):
    """Counts the bytes of all storages that were allocated inside and are still alive."""

    def __init__(self) -> None:
        super().__init__()
        self.most = self._now = 0
        # A storage is known by its address until it is freed: then another one may have the address.
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self._add((args, kwargs), new=False)  # weights, arrays of NumPy and the like
        result = func(*args, **(kwargs or {}))
        self._add(result, new=True)
        return result

    def _add(self, tensors: Any, new: bool) -> None:
        for tensor in tree_leaves(tensors):
            if isinstance(tensor, torch.Tensor):
                storage = tensor.untyped_storage()
                key, size = storage._cdata, storage.nbytes() if new else 0
                if key not in self._known:
                    self._known.add(key)
                    self._now += size
                    self.most = max(self.most, self._now)
                    weakref.finalize(storage, self._remove, key, size)

    def _remove(self, key: int, size: int) -> None:
        self._known.discard(key)
        self._now -= size


def limit(compute: str, memory_gb: int) -> None:
    """Let this process take at most `memory_gb` GB of the GPU's memory (0: no limit). More raises torch.OutOfMemoryError,
    which ends only a job. Does nothing on a CPU, where only `budget` applies."""
    if memory_gb and compute == "cuda":
        total = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, memory_gb * 1e9 / total))
    elif memory_gb and compute == "mps":
        total = torch.mps.recommended_max_memory()
        torch.mps.set_per_process_memory_fraction(min(1.0, memory_gb * 1e9 / total))


def budget(compute: str, memory_gb: int) -> int:
    """Bytes for jobs, beside the loaded weights; 0: whatever the system has free when a job starts."""
    if compute == "cpu" and not memory_gb:
        return 0
    gc.collect()
    if compute == "cuda":
        torch.cuda.empty_cache()  # the rest is in use, or belongs to graphs
        free = torch.cuda.mem_get_info()[0] - CUDA_RESERVE_BYTES
        if memory_gb:
            free = min(free, round(memory_gb * 1e9) - torch.cuda.memory_reserved())
        return max(free, 1)
    if memory_gb:
        used = torch.mps.current_allocated_memory() if compute == "mps" else psutil.Process().memory_info().rss
        return max(round(memory_gb * 1e9) - used, 1)
    return 0


def highest(compute: str) -> int:
    """The most bytes that this process has held: of the GPU's memory, or of the machine's."""
    if compute == "cuda":
        return torch.cuda.max_memory_reserved()
    if compute == "mps":
        return torch.mps.driver_allocated_memory()
    return portable.peak_memory_bytes()
