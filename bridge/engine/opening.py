"""Open the engine of a family whose checkpoints run in pipelines of diffusers, with only those libraries that it needs."""

from __future__ import annotations

from pathlib import Path

from bridge.checkpoints.find import Checkpoint
from bridge.config import EngineConfig
from bridge.engine.lean_imports import import_lean
from bridge.engine.messages import Engine


def open_lean(
    module: str, name: str, checkpoint: Checkpoint, compute: str, config: EngineConfig, cache: Path
) -> Engine:
    """The engine of the class `name` in `module`; nothing is loaded yet."""
    engine: Engine = getattr(import_lean(module, scipy=False, compiled=False), name)(checkpoint, compute, config, cache)
    return engine
