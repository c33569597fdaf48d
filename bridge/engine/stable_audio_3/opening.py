"""Open the engine of a Stable Audio 3 checkpoint, with only those libraries that it needs."""

from __future__ import annotations

from pathlib import Path

from bridge.checkpoints.find import Checkpoint
from bridge.config import EngineConfig
from bridge.engine.lean_imports import import_lean
from bridge.engine.messages import Engine


def open_engine(checkpoint: Checkpoint, compute: str, config: EngineConfig, cache: Path) -> Engine:
    """The engine of a checkpoint; nothing is loaded yet."""
    module = import_lean("bridge.engine.stable_audio_3.engine", scipy=False, compiled=False)
    engine: Engine = module.StableAudio3(checkpoint, compute, config, cache)
    return engine
