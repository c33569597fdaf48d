"""Work that may wait for a disk, beside the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def run_aside(work: Callable[[], T], answer: Callable[[T], None], fail: Callable[[Exception], None]) -> None:
    """Call `work` on a thread of its own, because a network disk may take seconds, then on the event loop `answer` with its result,
    or `fail` with its error. Neither is called once the loop has ended."""
    loop = asyncio.get_running_loop()

    def run() -> None:
        try:
            finish = functools.partial(answer, work())
        except Exception as error:  # noqa: BLE001 - handed on
            finish = functools.partial(fail, error)
        with contextlib.suppress(RuntimeError):  # the daemon has ended meanwhile
            loop.call_soon_threadsafe(finish)

    # Not the loop's executor: the daemon would wait for it at its end, however long the disk takes.
    threading.Thread(target=run, name="read the disk", daemon=True).start()
