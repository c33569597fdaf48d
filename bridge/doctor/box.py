"""Check an engine on another machine, instead of torch and the checkpoints of this one."""

from __future__ import annotations

import time

from bridge.config import EngineConfig
from bridge.doctor.check import Check, fault, ok
from bridge.engine.remote.engine import RemoteEngine
from bridge.engine.remote.errors import Unreachable


def check(config: EngineConfig) -> Check:
    """Ask the box for its facts, as the engine process does."""
    box, begun = RemoteEngine(config), time.perf_counter()
    try:
        box.look()
    except Unreachable as error:
        return fault(
            "engine", f"{config.url}: {error}", "Run clipbridge serve there, and see bridge/cluster/README.md."
        )
    took_ms = 1000 * (time.perf_counter() - begun)
    return ok("engine", f"{config.url}: {box.model.name} on {box.model.compute}, answers after {took_ms:.0f} ms")
