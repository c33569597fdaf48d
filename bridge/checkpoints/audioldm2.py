"""AudioLDM 2 checkpoints: their parts and their abilities."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

from bridge.checkpoints.family import Family
from bridge.checkpoints.reading import class_of, read_json
from bridge.domain.limits import GUIDANCE, SECONDS, STEPS
from bridge.domain.model import Abilities
from bridge.errors import NoModel

OLD_VOCODER = "bridge.engine.mel_vocoder"  # the module's name in checkpoints trained before the code had rooms
SPEECH = "VitsModel"  # as text_encoder_2: a checkpoint that speaks
FEW, FEW_FACTS = (
    "unet_few",
    "few.json",
)  # the folder of a second UNet for few steps, and the file in it that says how many
WORDS = "heard.json"  # the word list of a small checkpoint, whose notes are tuned
# The negative prompt in the README of the cvssp/audioldm2 checkpoints.
NEGATIVE = "Low quality, average quality."
USUAL = Abilities(
    sample_rate=16_000,
    seconds=SECONDS,
    steps=STEPS,
    usual_steps=20,  # with a DPM-Solver++ scheduler; the checkpoint's own DDIM needs 200
    least_steps=10,  # the starter's sounds are recognised as often with 10 as with 20 (97.0 and 97.2 %: its model card)
    guidance=GUIDANCE,
    usual_guidance=3.5,  # the default of AudioLDM2Pipeline
    usual_negative=NEGATIVE,
    notes="words",
    loops=True,
    audio=frozenset({"vary", "continue", "fill"}),
    early=True,
    ranked=True,
)


def abilities(folder: Path | None) -> Abilities:
    """The abilities of a checkpoint, by default the untrained one; `sample_rate` is 0 if its files do not state it."""
    if folder is None:
        return USUAL
    vocoder = read_json(folder / "vocoder" / "config.json")
    rate = vocoder.get("sampling_rate")
    small, few = (folder / WORDS).is_file(), few_steps(folder)
    return dataclasses.replace(
        USUAL,
        few_steps=few,
        least_steps=few or USUAL.least_steps,
        sample_rate=rate if type(rate) is int else 0,
        notes="tuned" if small else "words",
        audio=USUAL.audio if _hears(folder, vocoder) else frozenset(),
        speech=class_of(folder, "text_encoder_2") == SPEECH,
        ranked=not small,  # a small checkpoint's CLAP hears no sounds
    )


def few_steps(folder: Path) -> int:
    """The steps of the second UNet of a checkpoint; 0 if it has none."""
    steps = read_json(folder / FEW / FEW_FACTS).get("steps")
    return steps if type(steps) is int and steps in STEPS else 0


def _hears(folder: Path, vocoder: dict[str, Any]) -> bool:
    """Whether the spectrogram of the checkpoint is known, so that sounds can be encoded."""
    hop = vocoder.get("upsample_rates")
    hop = math.prod(hop) if isinstance(hop, list) and all(type(rate) is int for rate in hop) else 0
    published = (vocoder.get("sampling_rate"), vocoder.get("model_in_dim"), hop) == (16_000, 64, 160)
    return published or class_of(folder, "vocoder") == "MelVocoder"


def _check(where: str, index: dict[str, Any]) -> None:
    if (index["text_encoder_2"][1] == SPEECH) != (index["tokenizer_2"][1] == "VitsTokenizer"):
        raise NoModel(
            f"{where}: model_index.json names a text_encoder_2 and a tokenizer_2 that do not belong together."
        )
    scheduler = index.get("scheduler")
    if not (
        isinstance(scheduler, list) and scheduler[:1] == ["diffusers"] and str(scheduler[-1]).endswith("Scheduler")
    ):
        raise NoModel(f"{where}: model_index.json names {scheduler!r} as scheduler; expected one of diffusers.")


FAMILY = Family(
    name="AudioLDM 2",
    pipeline="AudioLDM2Pipeline",
    parts={
        "vae": {"AutoencoderKL"},
        "text_encoder": {"ClapModel"},
        "text_encoder_2": {"T5EncoderModel", SPEECH},
        "projection_model": {"AudioLDM2ProjectionModel"},
        "language_model": {"GPT2Model", "GPT2LMHeadModel"},
        "tokenizer": {"RobertaTokenizer", "RobertaTokenizerFast"},
        "tokenizer_2": {"T5Tokenizer", "T5TokenizerFast", "VitsTokenizer"},
        "feature_extractor": {"ClapFeatureExtractor"},
        "unet": {"AudioLDM2UNet2DConditionModel"},
        "vocoder": {"SpeechT5HifiGan", "MelVocoder"},
    },
    libraries={"diffusers", "transformers", "audioldm2", "bridge.engine.audioldm2.mel_vocoder", OLD_VOCODER},
    weights=("vae", "text_encoder", "text_encoder_2", "projection_model", "language_model", "unet", "vocoder"),
    check=_check,
    abilities=abilities,
)
