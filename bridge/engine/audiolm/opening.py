"""Open the engine of an AudioLM model."""

from __future__ import annotations

from pathlib import Path

from bridge.checkpoints.find import Checkpoint
from bridge.config import EngineConfig
from bridge.engine.lean_imports import import_lean
from bridge.engine.messages import Engine


def open_engine(checkpoint: Checkpoint, compute: str, config: EngineConfig, cache: Path) -> Engine:
    """The engine of a model; nothing is loaded yet."""
    module = import_lean("bridge.engine.audiolm.engine", scipy=False, compiled=False)
    engine: Engine = module.AudioLM(checkpoint, compute, config, cache)
    return engine
