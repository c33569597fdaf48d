"""How much memory a piece of work takes at its peak, and the limit that is set to it."""

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
    """`bytes`: the most that was there at a time, above what was there at the start."""

    bytes = 0


@contextlib.contextmanager
def peak(compute: str) -> Iterator[Peak]:
    """Measure the work inside. CUDA counts by itself; elsewhere tensors are counted as they come and go, which costs
    about 40 µs an operation, and leaves out what kernels take for themselves."""
    found = Peak()
    if compute == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        yield found
        torch.cuda.synchronize()
        found.bytes = torch.cuda.max_memory_allocated() - before
        return
    with _Living() as living:
        yield found
    found.bytes = living.most


class _Living(TorchDispatchMode):
    """Counts the bytes of all tensors' memory that is made inside and still there."""

    def __init__(self) -> None:
        super().__init__()
        self.most = self._now = 0
        # A storage is known by its address until it is gone: then another one, to be counted anew, may have the address.
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self._look((args, kwargs), made=False)  # weights, arrays of NumPy and the like
        made = func(*args, **(kwargs or {}))
        self._look(made, made=True)
        return made

    def _look(self, tensors: Any, made: bool) -> None:
        for tensor in tree_leaves(tensors):
            if isinstance(tensor, torch.Tensor):
                storage = tensor.untyped_storage()
                key, size = storage._cdata, storage.nbytes() if made else 0
                if key not in self._known:
                    self._known.add(key)
                    self._now += size
                    self.most = max(self.most, self._now)
                    weakref.finalize(storage, self._gone, key, size)

    def _gone(self, key: int, size: int) -> None:
        self._known.discard(key)
        self._now -= size


def limit(compute: str, memory_gb: int) -> None:
    """Let this process take no more than `memory_gb` GB of the GPU's memory (0: no limit); more raises
    torch.OutOfMemoryError, which ends a job and nothing else. Nothing on a CPU: there `budget` alone holds."""
    if memory_gb and compute == "cuda":
        total = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, memory_gb * 1e9 / total))
    elif memory_gb and compute == "mps":
        total = torch.mps.recommended_max_memory()
        torch.mps.set_per_process_memory_fraction(min(1.0, memory_gb * 1e9 / total))


def budget(compute: str, memory_gb: int) -> int:
    """Bytes for jobs beside the weights, now that those are loaded; 0: whatever the system has free at the time."""
    gc.collect()
    if compute == "cuda":
        torch.cuda.empty_cache()  # what is still held then is in use, or is that of the graphs
        free = torch.cuda.mem_get_info()[0] - CUDA_RESERVE_BYTES
        if memory_gb:
            free = min(free, round(memory_gb * 1e9) - torch.cuda.memory_reserved())
        return max(free, 1)
    if memory_gb:
        used = torch.mps.current_allocated_memory() if compute == "mps" else psutil.Process().memory_info().rss
        return max(round(memory_gb * 1e9) - used, 1)
    return 0


def highest(compute: str) -> int:
    """The most bytes that this process has held so far: of the GPU's memory, or of the machine's."""
    if compute == "cuda":
        return torch.cuda.max_memory_reserved()
    if compute == "mps":
        return torch.mps.driver_allocated_memory()
    return portable.peak_memory_bytes()
