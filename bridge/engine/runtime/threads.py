"""The number of threads of an engine on a processor. It is fixed: another number adds in another order, and changes the last bits
of a clip."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import psutil
import torch


def number(requested: int = 0) -> int:
    """`requested`, or what OMP_NUM_THREADS says, which torch follows too, or as many as this process may use physical cores."""
    stated = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if requested or (stated.isdecimal() and int(stated)):
        return requested or int(stated)
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(usable, psutil.cpu_count(logical=False) or usable))


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Run on one thread, whatever the number: for results that are cached, and must not depend on how the networks ran then."""
    with several(1):
        yield


@contextlib.contextmanager
def several(count: int) -> Iterator[None]:
    """Run on this number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
