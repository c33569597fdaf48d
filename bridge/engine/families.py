"""The code of each family, by the pipeline class of its checkpoints. Nothing here imports torch before an engine is opened."""

from __future__ import annotations

import importlib
from pathlib import Path

from bridge.checkpoints import audioldm2
from bridge.checkpoints import find as checkpoints
from bridge.checkpoints.families import OURS, family_of
from bridge.config import EngineConfig
from bridge.engine.messages import Engine
from bridge.system.portable import cache_folder

ENGINES = {audioldm2.FAMILY.pipeline: "bridge.engine.audioldm2.engine:AudioLDM2"}
"""A Runner of each family (see `runner`), as module:class."""


def open_engine(config: EngineConfig, cache: Path | None = None) -> Engine:
    """The engine for a configuration; nothing is loaded yet. `cache`: the folder for what it makes for itself, by default the
    user's cache folder. Raises NoModel."""
    from bridge.engine.runtime.compute import choose_compute

    compute = choose_compute(config.compute)
    checkpoint = checkpoints.find(config.model) if config.model else checkpoints.default(compute != "cpu")
    module, _, name = ENGINES[family_of(checkpoint.folder).pipeline].partition(":")
    engine: Engine = getattr(importlib.import_module(module), name)(
        checkpoint, compute, config, cache or cache_folder()
    )
    return engine


def needs_scipy(config: EngineConfig) -> bool:
    """Whether the libraries of the configured checkpoint need SciPy."""
    folder = checkpoints.find(config.model).folder if config.model else None
    return (OURS if folder is None else family_of(folder)).needs_scipy(folder, config.scheduler)
