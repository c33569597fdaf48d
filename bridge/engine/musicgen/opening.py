"""Open the engine of a MusicGen checkpoint."""

from __future__ import annotations

from pathlib import Path

from bridge.checkpoints.find import Checkpoint
from bridge.config import EngineConfig
from bridge.engine.lean_imports import import_lean
from bridge.engine.messages import Engine


def open_engine(checkpoint: Checkpoint, compute: str, config: EngineConfig, cache: Path) -> Engine:
    """The engine of a checkpoint; nothing is loaded yet."""
    module = import_lean("bridge.engine.musicgen.engine", scipy=False, compiled=False)
    engine: Engine = module.MusicGen(checkpoint, compute, config, cache)
    return engine
