"""Ableton Link: shares tempo and bar with other programs on the network. The only importer of aalink.

An extra: pip install '.[link]'.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

from bridge.core.core import Core
from bridge.errors import ConfigError

log = logging.getLogger("clipbridge")

LINK_POLL_S = 0.25
SAME_BPM = 0.01  # smaller differences are rounding


@contextlib.asynccontextmanager
async def serve_link(core: Core, enabled: bool) -> AsyncIterator[None]:
    """Join the Link session, if enabled, until the context ends. Raises ConfigError if aalink is not installed."""
    if not enabled:
        yield
        return
    try:
        import aalink
    except ImportError as error:
        raise ConfigError(
            f"Link needs one more package ({error}). In Clipbridge's folder: pip install '.[link]'"
        ) from error
    link = aalink.Link(core.stage.tempo.bpm)
    link.enabled = True
    sync = asyncio.create_task(_sync(core, link))
    try:
        yield
    finally:
        sync.cancel()
        link.enabled = False


async def _sync(core: Core, link: Any) -> None:
    """Follow the session's tempo and beat, and pass a tempo set with /bridge/tempo on to it."""
    last_bpm, peers = core.stage.tempo.bpm, 0
    while True:
        await asyncio.sleep(LINK_POLL_S)
        try:
            last_bpm, peers = _sync_once(core, link, last_bpm, peers)
        except Exception:  # one failure must not end Link
            log.exception("link")


def _sync_once(core: Core, link: Any, last_bpm: float, peers: int) -> tuple[float, int]:
    """Returns the common tempo and the number of peers."""
    tempo = core.stage.tempo
    if link.num_peers != peers:
        peers = link.num_peers
        log.info("link: %d peers", peers)
    link.quantum = float(tempo.beats_per_bar)
    if abs(tempo.bpm - last_bpm) > SAME_BPM:
        link.tempo = last_bpm = tempo.bpm
    elif abs(link.tempo - last_bpm) > SAME_BPM:
        last_bpm = round(link.tempo, 2)
        core.stage.set_tempo(last_bpm, tempo.beats_per_bar)
    # Without peers, Link's beat means nothing: beats count from the daemon's start or from a host's /bridge/beat.
    if peers:
        core.stage.beat(max(0.0, link.beat), time.perf_counter())
    return last_bpm, peers
