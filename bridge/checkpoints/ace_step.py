"""ACE-Step 1.5 checkpoints in the layout of diffusers: their parts and their abilities."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from bridge.checkpoints.family import Family
from bridge.checkpoints.reading import class_of, read_json, sound_of
from bridge.domain.limits import GUIDANCE, SECONDS, STEPS, Range
from bridge.domain.model import Abilities
from bridge.errors import NoModel

SCHEDULER = "FlowMatchEulerDiscreteScheduler"
TOKENIZERS = {"audio_tokenizer": {"AceStepAudioTokenizer"}, "audio_token_detokenizer": {"AceStepAudioTokenDetokenizer"}}
TURBO = Abilities(
    sample_rate=48_000,
    channels=2,
    seconds=SECONDS,
    steps=Range(1, 8),
    usual_steps=8,  # for which it was distilled
    least_steps=4,
    notes="words",
    tempo=True,
    audio=frozenset({"vary", "continue", "fill"}),
    lyrics=True,
    early=True,
)
BASE = dataclasses.replace(
    TURBO,
    steps=STEPS,
    usual_steps=30,  # its authors use 30 to 60
    least_steps=20,
    guidance=GUIDANCE,
    usual_guidance=7.0,  # the default of AceStepPipeline
)


def abilities(folder: Path | None) -> Abilities:
    """The abilities of a checkpoint, by default a turbo one."""
    if folder is None:
        return TURBO
    vae, transformer = (read_json(folder / part / "config.json") for part in ("vae", "transformer"))
    is_turbo = bool(transformer.get("is_turbo")) or transformer.get("model_version") == "turbo"
    usual = TURBO if is_turbo else BASE
    has_tokenizers = all(class_of(folder, part) in names for part, names in TOKENIZERS.items())
    return dataclasses.replace(
        usual,
        **sound_of(vae),
        audio=usual.audio if has_tokenizers else usual.audio - {"vary"},
    )


def _check(where: str, index: dict[str, Any]) -> None:
    scheduler = index.get("scheduler")
    if scheduler != ["diffusers", SCHEDULER]:
        raise NoModel(f"{where}: model_index.json names {scheduler!r} as scheduler; expected {SCHEDULER}.")


FAMILY = Family(
    name="ACE-Step 1.5",
    pipeline="AceStepPipeline",
    parts={
        "vae": {"AutoencoderOobleck"},
        "text_encoder": {"Qwen3Model"},
        "tokenizer": {"Qwen2Tokenizer", "Qwen2TokenizerFast"},
        "transformer": {"AceStepTransformer1DModel"},
        "condition_encoder": {"AceStepConditionEncoder"},
    },
    optional=TOKENIZERS,
    libraries={"diffusers", "transformers", "ace_step"},
    weights=("vae", "text_encoder", "transformer", "condition_encoder", *TOKENIZERS),
    check=_check,
    abilities=abilities,
)
