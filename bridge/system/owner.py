"""A daemon that ends with the program that started it, however that program ends. Works alike on all systems: a pipe closes."""

from __future__ import annotations

import os
import signal
import threading

STAY = b"stay"  # the last bytes of an owner that ends and leaves the daemon running


def end_with_stdin() -> None:
    """From now on, stop this process as SIGTERM does when standard input ends, unless its last bytes are STAY."""
    threading.Thread(target=_watch, name="owner", daemon=True).start()


def _watch() -> None:
    last = b""
    try:
        while received := os.read(0, 1_024):
            last = (last + received)[-len(STAY) :]
    except OSError:  # there is no standard input
        return
    if last != STAY:
        signal.raise_signal(signal.SIGTERM)
