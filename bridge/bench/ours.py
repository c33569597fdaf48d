"""The engine under test, in a process that is set up as the real one's (see `apart`)."""

from __future__ import annotations

import gc
import hashlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bridge.bench.timing import timed
from bridge.config import EngineConfig
from bridge.domain.clip import Prompt
from bridge.domain.limits import seed_after
from bridge.engine.families import open_engine
from bridge.engine.process import PAUSE_S
from bridge.system.portable import cache_folder

if TYPE_CHECKING:
    from bridge.engine.audioldm2.engine import AudioLDM2

RUN_STEPS = 20


def clip_prompt(text: str, seconds: float, steps: int = RUN_STEPS, **keys: Any) -> Prompt:
    """What all kinds are asked for."""
    return Prompt(text, text, seconds, steps=steps, negative="Low quality.", **{"seed": 0, **keys})


def opened(model: str, compute: str) -> AudioLDM2:
    """The engine in this process, with the user's cache, loaded, warmed, and its networks converted."""
    ours = Ours(model, compute, cache_folder())
    ours.start()
    return ours.engine


class Ours:
    """The `engine` of a checkpoint. `cache`: its folder for converted networks."""

    def __init__(self, model: str, compute: str, cache: Path) -> None:
        gc.disable()  # as the engine's process does while it starts
        self.engine = cast("AudioLDM2", open_engine(EngineConfig(model=model, compute=compute), cache))

    def start(self) -> tuple[float, float]:
        """Load and warm: the seconds until jobs are served, and from then until the engine improves no further, which on a first start
        includes converting its networks."""
        engine = self.engine

        def load() -> None:
            engine.load(lambda done, total, what: None)
            engine.warm(lambda done, total, what: None)

        def improve() -> None:
            for _ in engine.improve(lambda done, total, what: None, lambda: False):
                time.sleep(PAUSE_S)

        loaded_s = timed(load, engine.device)
        gc.freeze()
        gc.enable()
        return loaded_s, timed(improve, engine.device)

    def facts(self) -> dict[str, Any]:
        """How it runs, and the peak of its memory in bytes."""
        engine = self.engine
        return {
            "checkpoint": engine.checkpoint.name, "compute": engine.compute, "network": engine.compiled,
            "threads": engine.threads, "shortcoming": engine.shortcoming, "peak": engine.highest_bytes(),
        }  # fmt: skip

    def captures(self) -> int | None:
        """The CUDA graphs captured so far; None without graphs."""
        return getattr(self.engine.denoiser.network, "captures", None)

    def rows_for(self, seconds: float) -> int:
        """Rows of latents for a clip of this length."""
        return self.engine.geometry.rows_for(seconds)

    def clip(self, text: str, seconds: float, steps: int = RUN_STEPS, **keys: Any) -> float:
        """Seconds for one clip, or as many takes as `keys` say."""
        prompt = clip_prompt(text, seconds, steps, **keys)
        return timed(lambda: list(self.engine.generate(prompt, lambda step, of: None)), self.engine.device)

    def samples(self, text: str, seconds: float, steps: int, take: int) -> str:
        """A digest of one take's samples, made alone."""
        return self._digests(clip_prompt(text, seconds, steps, seed=seed_after(0, take - 1)))[0]

    def samples_in_batch(self, text: str, seconds: float, steps: int, takes: int) -> list[str]:
        """A digest of each take's samples, made in one batch."""
        return self._digests(clip_prompt(text, seconds, steps, takes=takes))

    def _digests(self, prompt: Prompt) -> list[str]:
        digests = [hashlib.sha256() for _ in range(prompt.takes)]
        for piece in self.engine.generate(prompt, lambda step, of: None):
            digests[piece.take - 1].update(piece.samples)
        return [each.hexdigest() for each in digests]


class Opening:
    """Opens converted networks, in a process that has imported torch and done nothing else."""

    def __init__(self) -> None:
        from bridge.engine.runtime import conversions, kept

        self._folder, self._kept = conversions.FOLDER, kept

    def seconds(self, cache: Path, compute: str, threads: int) -> float:
        """Seconds for opening the only networks in the cache, and for checking them."""
        from bridge.engine.runtime.openvino import device

        (folder,) = (each for each in (cache / self._folder).iterdir() if each.is_dir())
        return timed(lambda: self._kept.opened(folder, device(compute), threads), "cpu")
