"""Stable Audio 3 checkpoints in the layout of diffusers: their parts and their abilities."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from bridge.checkpoints.family import Family
from bridge.checkpoints.reading import class_of, read_json, scheduler_config, sound_of
from bridge.domain.limits import GUIDANCE, SECONDS, STEPS, Range
from bridge.domain.model import Abilities
from bridge.errors import NoModel

SCHEDULER = "FlowMatchEulerDiscreteScheduler"
# What converters wrote before diffusers had a release with the family, and whether each step adds new noise.
OLD_SCHEDULERS = {"PingPongScheduler": True, "StableAudio3EulerScheduler": False}
DISTILLED = Abilities(
    sample_rate=44_100,
    channels=2,
    seconds=SECONDS,
    steps=Range(1, 8),
    usual_steps=8,  # for which it was distilled
    least_steps=4,
    notes="words",
    audio=frozenset({"vary", "continue", "fill"}),
    early=True,
)
BASE = dataclasses.replace(
    DISTILLED,
    steps=STEPS,
    usual_steps=100,  # the default of StableAudio3Pipeline
    least_steps=50,
    guidance=GUIDANCE,
    usual_guidance=7.0,  # the default of StableAudioPipeline
    usual_negative="",
)


def abilities(folder: Path | None) -> Abilities:
    """The abilities of a checkpoint, by default a distilled one."""
    if folder is None:
        return DISTILLED
    vae, embedder = (read_json(folder / part / "config.json") for part in ("vae", "duration_embedder"))
    longest = embedder.get("max_val")
    high = min(SECONDS.high, float(longest)) if isinstance(longest, int | float) else SECONDS.high
    return dataclasses.replace(
        DISTILLED if _is_distilled(folder) else BASE,
        **sound_of(vae),
        seconds=Range(SECONDS.low, high),
    )


def _is_distilled(folder: Path) -> bool:
    old = OLD_SCHEDULERS.get(class_of(folder, "scheduler"))
    return bool(scheduler_config(folder).get("stochastic_sampling")) if old is None else old


def _check(where: str, index: dict[str, Any]) -> None:
    scheduler = index.get("scheduler")
    name = scheduler[-1] if isinstance(scheduler, list) and scheduler else None
    if name not in (SCHEDULER, *OLD_SCHEDULERS):
        raise NoModel(
            f"{where}: model_index.json names {name!r} as scheduler; expected {SCHEDULER}. Convert the checkpoint again with the script of "
            "diffusers 0.42 or newer."
        )


FAMILY = Family(
    name="Stable Audio 3",
    pipeline="StableAudio3Pipeline",
    parts={
        "vae": {"AutoencoderSAME"},
        "text_encoder": {"T5GemmaEncoderModel"},
        "tokenizer": {"GemmaTokenizer", "GemmaTokenizerFast"},
        "duration_embedder": {"StableAudio3DurationEmbedder"},
        "transformer": {"StableAudio3DiTModel"},
    },
    libraries={"diffusers", "transformers", "stable_audio_3"},
    weights=("vae", "text_encoder", "duration_embedder", "transformer"),
    check=_check,
    abilities=abilities,
    terms="Its text encoder is Google's T5Gemma, under the Gemma terms of use: https://ai.google.dev/gemma/terms",
)
