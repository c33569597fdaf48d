"""Open the engine of an AudioLDM 2 checkpoint, with only those libraries that it needs."""

from __future__ import annotations

from pathlib import Path

from bridge.checkpoints.find import Checkpoint
from bridge.checkpoints.reading import scheduler_config
from bridge.config import EngineConfig
from bridge.engine.lean_imports import import_lean
from bridge.engine.messages import Engine


def open_engine(checkpoint: Checkpoint, compute: str, config: EngineConfig, cache: Path) -> Engine:
    """The engine of a checkpoint; nothing is loaded yet."""
    module = import_lean(
        "bridge.engine.audioldm2.engine",
        scipy=needs_scipy(checkpoint.folder, config.scheduler),
        compiled=compute == "cuda",  # the only one for which torch compiles
    )
    engine: Engine = module.AudioLDM2(checkpoint, compute, config, cache)
    return engine


def needs_scipy(folder: Path | None, scheduler: str) -> bool:
    """Whether diffusers needs SciPy: for one scheduler, and for any with beta sigmas, which a checkpoint may state."""
    stated = {} if folder is None else scheduler_config(folder)
    return scheduler == "LMSDiscreteScheduler" or bool(stated.get("use_beta_sigmas"))
