"""How torch's threads wait for each other on a processor."""

from __future__ import annotations

import os

# Read by torch's OpenMP libraries when they start (libgomp on Linux, LLVM's and Intel's elsewhere): threads spin for some
# microseconds, and then sleep. By default they spin for milliseconds, and beside a busy program, which has the core that the awaited
# thread needs, one step of the starter then takes up to half a second.
SLEEPING = {"GOMP_SPINCOUNT": "1000", "KMP_BLOCKTIME": "0"}


def let_threads_sleep() -> None:
    """Let threads sleep while they wait, unless the user says otherwise. Call it before torch is imported."""
    for name, value in SLEEPING.items():
        os.environ.setdefault(name, value)
