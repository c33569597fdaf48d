"""The code of each family, by the pipeline class of its checkpoints. Nothing here imports torch before an engine is opened."""

from __future__ import annotations

import importlib
from pathlib import Path

from bridge.checkpoints import audioldm2
from bridge.checkpoints import find as checkpoints
from bridge.checkpoints.families import family_of
from bridge.config import EngineConfig
from bridge.engine.messages import Engine
from bridge.system.portable import cache_folder

ENGINES = {audioldm2.FAMILY.pipeline: "bridge.engine.audioldm2.opening"}
"""The module of each family whose `open_engine(checkpoint, compute, config, cache)` makes its Runner (see `runner`)."""


def open_engine(config: EngineConfig, cache: Path | None = None) -> Engine:
    """The engine for a configuration; nothing is loaded yet. `cache`: the folder for traces and the untrained checkpoint, by
    default the user's cache folder. Raises NoModel."""
    from bridge.engine.runtime.compute import choose_compute

    compute = choose_compute(config.compute)
    checkpoint = checkpoints.find(config.model) if config.model else checkpoints.default(compute != "cpu")
    module = importlib.import_module(ENGINES[family_of(checkpoint.folder).pipeline])
    engine: Engine = module.open_engine(checkpoint, compute, config, cache or cache_folder())
    return engine
