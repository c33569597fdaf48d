"""Presets that are edited while the daemon runs: read on a thread, in use within a second."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable

from bridge.presets.files import Catalogue, Presets
from bridge.system.watch import Watch

log = logging.getLogger("clipbridge")

PRESET_RESCAN_S = 1.0  # also if the folder cannot be watched, or does not exist yet


@contextlib.asynccontextmanager
async def serve_presets(presets: Presets, on_change: Callable[[str, str, str], None]) -> AsyncIterator[None]:
    """Read `presets`, then update them until the context ends. In it, looking up a preset never touches the disk.

    `on_change` is called on the event loop with the name, the new state (`ready`, `broken`, `gone`) and the reason.
    """
    loop = asyncio.get_running_loop()
    latest = await asyncio.to_thread(presets.look)
    presets.take(latest)

    def take(catalogue: Catalogue) -> None:
        for name, state, why in presets.take(catalogue):
            log.log(logging.WARNING if why else logging.INFO, "preset %s %s %s", name, state, why)
            on_change(name, state, why)

    def look() -> None:
        nonlocal latest
        catalogue = presets.look()
        if catalogue != latest:
            latest = catalogue
            with contextlib.suppress(RuntimeError):  # the event loop is closed
                loop.call_soon_threadsafe(take, catalogue)

    watch = Watch(presets.folders[-1], look, every_s=PRESET_RESCAN_S)
    watch.start()
    try:
        yield
    finally:
        await asyncio.to_thread(watch.close)
