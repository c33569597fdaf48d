"""The code of each family, by the pipeline class of its checkpoints. Imports torch only when an engine is opened."""

from __future__ import annotations

import importlib
from pathlib import Path

from bridge.checkpoints import ace_step, audioldm2, audiolm, musicgen, stable_audio, stable_audio_3
from bridge.checkpoints import find as checkpoints
from bridge.checkpoints.families import family_of
from bridge.config import EngineConfig
from bridge.engine.messages import Engine
from bridge.errors import NoModel
from bridge.system.portable import cache_folder

ENGINES = {
    audioldm2.FAMILY.pipeline: "bridge.engine.audioldm2.opening",
    audiolm.FAMILY.pipeline: "bridge.engine.audiolm.opening",
    musicgen.FAMILY.pipeline: "bridge.engine.musicgen.opening",
    stable_audio_3.FAMILY.pipeline: "bridge.engine.stable_audio_3.opening",
    ace_step.FAMILY.pipeline: "bridge.engine.ace_step.opening",
    stable_audio.FAMILY.pipeline: "bridge.engine.stable_audio.opening",
}
"""The module of each family whose `open_engine(checkpoint, compute, config, cache)` makes its Runner (see `runner`)."""


def open_engine(config: EngineConfig, cache: Path | None = None) -> Engine:
    """The engine for a configuration; nothing is loaded yet. `cache`: the folder for converted networks and the untrained checkpoint, by
    default the user's cache folder. Raises NoModel."""
    compute = _compute(config.compute)
    checkpoint = checkpoints.find(config.model) if config.model else checkpoints.default(compute != "cpu")
    checkpoint = checkpoints.with_loras(checkpoint, config.lora)
    module = importlib.import_module(ENGINES[family_of(checkpoint.folder).pipeline])
    engine: Engine = module.open_engine(checkpoint, compute, config, cache or cache_folder())
    return engine


def _compute(requested: str) -> str:
    """`requested`, or the fastest one for "auto". Raises NoModel if it is not available."""
    import torch

    if requested == "intel":
        from bridge.engine.runtime import openvino

        openvino.accelerator()
        return requested
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    usable = [name for name, is_available in available.items() if is_available]
    if requested != "auto" and requested not in usable:
        raise NoModel(
            f"--compute {requested}: this torch ({torch.__version__}) finds no {requested} here, only: "
            f"{', '.join(usable)}."
        )
    return usable[0] if requested == "auto" else requested
