"""Open the engine of an AudioLDM 2 checkpoint, with only those libraries that it needs."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from bridge.checkpoints.find import Checkpoint
from bridge.checkpoints.reading import scheduler_config
from bridge.config import EngineConfig
from bridge.engine.messages import Engine


def open_engine(checkpoint: Checkpoint, compute: str, config: EngineConfig, cache: Path) -> Engine:
    """The engine of a checkpoint; nothing is loaded yet."""
    needed = needs_scipy(checkpoint.folder, config.scheduler)
    with contextlib.nullcontext() if needed else without_scipy():
        from bridge.engine.audioldm2.engine import AudioLDM2
    return AudioLDM2(checkpoint, compute, config, cache)


def needs_scipy(folder: Path | None, scheduler: str) -> bool:
    """Whether diffusers needs SciPy: for one scheduler, and for any with beta sigmas, which a checkpoint may state."""
    stated = {} if folder is None else scheduler_config(folder)
    return scheduler == "LMSDiscreteScheduler" or bool(stated.get("use_beta_sigmas"))


@contextlib.contextmanager
def without_scipy() -> Iterator[None]:
    """Hide SciPy from the imports inside. diffusers and transformers load it where they find it, which takes 0.7 s, and do
    without where they do not. The shaper needs it installed."""
    if "scipy" in sys.modules:
        yield
        return
    sys.modules["scipy"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["scipy"]
