"""Stable Audio Open 1.0 checkpoints in the layout of diffusers: their parts and their abilities."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

from bridge.checkpoints.family import Family
from bridge.checkpoints.reading import read_json, sound_of
from bridge.domain.limits import GUIDANCE, SECONDS, STEPS, Range
from bridge.domain.model import Abilities
from bridge.errors import NoModel

SCHEDULERS = ("CosineDPMSolverMultistepScheduler", "EDMDPMSolverMultistepScheduler")
USUAL = Abilities(
    sample_rate=44_100,
    channels=2,
    seconds=Range(SECONDS.low, 47.0),
    fixed_cost=True,
    steps=STEPS,
    usual_steps=100,  # the default of StableAudioPipeline
    least_steps=50,
    guidance=GUIDANCE,
    usual_guidance=7.0,  # the same
    usual_negative="Low quality.",  # in the model card
    notes="words",
    early=True,
)


def abilities(folder: Path | None) -> Abilities:
    """The abilities of a checkpoint. Every clip costs as much as the longest, whose length is that of its latents."""
    if folder is None:
        return USUAL
    vae, transformer = (read_json(folder / part / "config.json") for part in ("vae", "transformer"))
    rate, ratios = vae.get("sampling_rate"), vae.get("downsampling_ratios")
    length = transformer.get("sample_size")
    high = USUAL.seconds.high
    if type(rate) is int and rate > 0 and type(length) is int and isinstance(ratios, list):
        high = min(SECONDS.high, length * math.prod(ratios) / rate)
    return dataclasses.replace(
        USUAL,
        **sound_of(vae),
        seconds=Range(SECONDS.low, math.floor(1_000 * high) / 1_000),
    )


def _check(where: str, index: dict[str, Any]) -> None:
    scheduler = index.get("scheduler")
    if not isinstance(scheduler, list) or scheduler[-1:] not in ([name] for name in SCHEDULERS):
        raise NoModel(
            f"{where}: model_index.json names {scheduler!r} as scheduler; expected {' or '.join(SCHEDULERS)}."
        )


FAMILY = Family(
    name="Stable Audio Open",
    pipeline="StableAudioPipeline",
    parts={
        "vae": {"AutoencoderOobleck"},
        "text_encoder": {"T5EncoderModel"},
        "projection_model": {"StableAudioProjectionModel"},
        "tokenizer": {"T5Tokenizer", "T5TokenizerFast"},
        "transformer": {"StableAudioDiTModel"},
    },
    libraries={"diffusers", "transformers", "stable_audio"},
    weights=("vae", "text_encoder", "projection_model", "transformer"),
    check=_check,
    abilities=abilities,
)
