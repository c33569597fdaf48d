"""The plain pipeline and the public recipe on the same weights, in a process with torch's own threads (see `apart`).

The plain pipeline is AudioLDM2Pipeline as in its documentation: the checkpoint's own DDIM scheduler with 200 steps (the bench runs 20
and extrapolates the rest). The recipe is the one that diffusers publishes for speed: 20 steps of DPM-Solver++, with torch.compile on
request.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import torch
from diffusers import AudioLDM2Pipeline, DDIMScheduler

from bridge.bench import floor
from bridge.bench.ours import RUN_STEPS, clip_prompt
from bridge.bench.timing import timed
from bridge.config import EngineConfig
from bridge.engine.audioldm2.engine import AudioLDM2
from bridge.engine.audioldm2.pipeline import Pipeline
from bridge.engine.families import open_engine


def stock(pipe: Pipeline) -> AudioLDM2Pipeline:
    """The stock pipeline of the same parts."""
    own = (
        "vae", "text_encoder", "text_encoder_2", "projection_model", "language_model", "tokenizer", "tokenizer_2",
        "feature_extractor", "unet", "scheduler", "vocoder",
    )  # fmt: skip
    whole = AudioLDM2Pipeline(**{part: getattr(pipe, part) for part in own})
    whole.set_progress_bar_config(disable=True)
    return whole


class Recipe:
    """The stock pipeline of the engine's parts, which run as they are. `compiled`: the UNet is compiled, which takes minutes per
    length."""

    def __init__(self, model: str, compute: str, cache: Path, compiled: bool) -> None:
        threads = torch.get_num_threads()
        config = EngineConfig(model=model, compute="cpu" if compute == "intel" else compute, compile="off")
        self._engine = engine = cast(AudioLDM2, open_engine(config, cache))
        engine.load(lambda done, total, what: None)
        torch.set_num_threads(threads)  # the engine has set its own
        self._pipe, self._rate = stock(engine.pipe), 0.0
        self._unet: Any = engine.pipe.unet
        if compiled:
            self._unet = torch.compile(engine.pipe.unet, mode="reduce-overhead", fullgraph=True)
        self._ddim = DDIMScheduler.from_config(self._pipe.scheduler.config, timestep_spacing="leading", steps_offset=1)

    def facts(self) -> dict[str, Any]:
        """Torch's version and number of threads."""
        return {"torch": torch.__version__, "threads": torch.get_num_threads()}

    def clip(self, text: str, seconds: float, steps: int = RUN_STEPS, plain: bool = False) -> float:
        """Seconds for one clip; `plain`: with the DDIM scheduler."""
        engine, pipe = self._engine, self._pipe
        original = pipe.scheduler, pipe.unet
        pipe.scheduler, pipe.unet = (self._ddim, pipe.unet) if plain else (pipe.scheduler, self._unet)
        rows = engine.geometry.rows_for(seconds)
        generators = [torch.Generator("cpu").manual_seed(0)]
        try:
            return timed(
                lambda: pipe(
                    text,
                    num_inference_steps=steps,
                    negative_prompt="Low quality.",
                    latents=engine.noise(generators, rows),
                    audio_length_in_s=(rows + 0.5) * engine.geometry.row_seconds,
                ),
                engine.device,
            )
        finally:
            pipe.scheduler, pipe.unet = original

    def operations(self, seconds: float) -> int:
        """See `floor`: of a clip of our engine, whose networks are torch's here, so that torch can count."""
        return floor.operations(self._engine, clip_prompt("kick", seconds))

    def rate(self) -> float:
        """See `floor`: the best so far, since other programs on this machine only lower it."""
        self._rate = max(self._rate, floor.rate(self._engine))
        return self._rate
