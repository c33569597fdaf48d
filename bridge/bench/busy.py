"""Programs that keep every core busy, as a DAW at its limit does, in this login session and at normal priority."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator

LIMIT_S = 600.0
SETTLED_S = 0.5
# Ends by itself: at LIMIT_S, or when this process is gone (not on Windows, where the number of the parent stays).
LOOP = f"""
import os, time
end, parent = time.monotonic() + {LIMIT_S}, os.getppid()
while time.monotonic() < end and os.getppid() == parent:
    for _ in range(1_000_000):
        pass
"""


@contextlib.contextmanager
def a_loop_a_core() -> Iterator[None]:
    """Run one busy loop a core during the block, and at most LIMIT_S."""
    loops: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(os.cpu_count() or 1):
            loops.append(subprocess.Popen([sys.executable, "-c", LOOP]))
        time.sleep(SETTLED_S)
        yield
    finally:
        for loop in loops:
            loop.kill()
        for loop in loops:
            loop.wait()
