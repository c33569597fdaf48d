"""Presets that are edited while the daemon runs: read on a thread of their own, taken up within a second, and told."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from bridge.core.core import Bridge
from bridge.presets.files import Catalogue
from bridge.system.watch import Watch

log = logging.getLogger("clipbridge")

LOOK_S = 1.0  # also where the folder cannot be watched, or is made later


@contextlib.asynccontextmanager
async def serve_presets(bridge: Bridge) -> AsyncIterator[None]:
    """Read the presets of `bridge`, then hand over what changes until the context ends. From here on asking for a preset
    costs no disk."""
    presets, loop = bridge.presets, asyncio.get_running_loop()
    handed_over = await asyncio.to_thread(presets.look)
    presets.take(handed_over)

    def take(found: Catalogue) -> None:
        for name, state, why in presets.take(found):
            log.log(logging.WARNING if why else logging.INFO, "preset %s %s %s", name, state, why)
            _tell(bridge, name, state, why)

    def look() -> None:
        nonlocal handed_over
        found = presets.look()
        if found != handed_over:
            handed_over = found
            with contextlib.suppress(RuntimeError):  # the daemon has ended
                loop.call_soon_threadsafe(take, found)

    watch = Watch(presets.folders[-1], look, every_s=LOOK_S)
    watch.start()
    try:
        yield
    finally:
        await asyncio.to_thread(watch.close)


def _tell(bridge: Bridge, name: str, state: str, why: str) -> None:
    bridge.tell(lambda listener: listener.preset_changed(name, state, why))
