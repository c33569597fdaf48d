"""Ableton Link: one tempo and one bar with every other program of the network that has it. The only importer of aalink.

It is an extra: pip install 'clipbridge[link]'.
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
SAME_BPM = 0.01


@contextlib.asynccontextmanager
async def serve_link(core: Core, enabled: bool) -> AsyncIterator[None]:
    """Be in the session until the context ends. Raises ConfigError if aalink is not installed."""
    if not enabled:
        yield
        return
    try:
        import aalink
    except ImportError as error:
        raise ConfigError(f"Link needs one more package: pip install 'clipbridge[link]' ({error}).") from error
    link = aalink.Link(core.stage.tempo.bpm)
    link.enabled = True
    following = asyncio.create_task(_follow(core, link))
    try:
        yield
    finally:
        following.cancel()
        link.enabled = False


async def _follow(core: Core, link: Any) -> None:
    """The session's tempo and beat become ours; a tempo that is set with /bridge/tempo becomes the session's."""
    ours, peers = core.stage.tempo.bpm, 0
    while True:
        await asyncio.sleep(LINK_POLL_S)
        try:
            ours, peers = _look(core, link, ours, peers)
        except Exception:  # Link must not end because of one look
            log.exception("link")


def _look(core: Core, link: Any, ours: float, peers: int) -> tuple[float, int]:
    now = core.stage.tempo
    if link.num_peers != peers:
        peers = link.num_peers
        log.info("link: %d others", peers)
    link.quantum = float(now.beats_per_bar)
    if abs(now.bpm - ours) > SAME_BPM:
        link.tempo = ours = now.bpm
    elif abs(link.tempo - ours) > SAME_BPM:
        ours = round(link.tempo, 2)
        core.stage.set_tempo(ours, now.beats_per_bar)
    # Alone the beats are counted from the start of the daemon, or as a host says: nobody needs Link's.
    if peers:
        core.stage.beat(max(0.0, link.beat), time.perf_counter())
    return ours, peers
