"""Load an AudioLDM 2 checkpoint, or say why it cannot be loaded.

Every known way in which libraries load one wrongly without an error is refused here.
"""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from diffusers import AudioLDM2ProjectionModel, AudioLDM2UNet2DConditionModel, AutoencoderKL
from transformers import ClapModel, GPT2LMHeadModel, T5EncoderModel

from bridge.checkpoints.audioldm2 import FEW, OLD_VOCODER, SPEECH, abilities
from bridge.checkpoints.reading import class_of, scheduler_config
from bridge.engine.audioldm2 import mel_vocoder
from bridge.engine.audioldm2.clock import FILE as CLOCK
from bridge.engine.audioldm2.clock import with_clock
from bridge.engine.audioldm2.mel_vocoder import MelVocoder
from bridge.engine.audioldm2.pipeline import Pipeline
from bridge.engine.loading import check_tokenizer, load_part, refuse_on_error, small_part
from bridge.engine.messages import OnStage
from bridge.errors import ConfigError, NoModel

# Always GPT2LMHeadModel: published checkpoints declare GPT2Model, which lost the method that the stock pipeline needs (diffusers
# #12630). The weights are the same, and so is hidden_states[-1], bit for bit.
CLASSES: dict[str, Any] = {
    "vae": AutoencoderKL,
    "text_encoder": ClapModel,
    "text_encoder_2": T5EncoderModel,
    "projection_model": AudioLDM2ProjectionModel,
    "language_model": GPT2LMHeadModel,
}
# diffusers' pipeline loads a part only if the module that the checkpoint names is imported.
sys.modules.setdefault(OLD_VOCODER, mel_vocoder)

# Never left to the default: the same class takes "leading" if a file does not state it and "linspace" if a config in memory
# does not. The same seed then makes another waveform (9.8 % apart).
SPACING_WHEN_UNSTATED = "leading"
SCHEDULER_SETTINGS: dict[str, dict[str, Any]] = {
    "DPMSolverMultistepScheduler": {"algorithm_type": "dpmsolver++", "solver_order": 2, "final_sigmas_type": "zero"},
}
# EDMEulerScheduler ignores the noise schedule of the checkpoint; DPMSolverSDEScheduler needs another package.
UNFIT_SCHEDULERS = {"EDMEulerScheduler", "DPMSolverSDEScheduler"}


def load_pipeline(folder: Path, compute: str, dtype: torch.dtype, scheduler: str, on_stage: OnStage) -> Pipeline:
    """The parts on their compute, with the requested scheduler. Raises NoModel (checkpoint) or ConfigError (scheduler)."""

    def to_compute(part: str, cls: Any) -> Any:
        # Only to a device, never `.to(dtype)`: T5 keeps its `wo` layers in float32 on purpose (they overflow in fp16).
        return load_part(folder, part, cls, dtype).to(compute)

    def to_compute_unet(part: str) -> Any:
        return with_clock(to_compute(part, AudioLDM2UNet2DConditionModel), folder / part)

    classes = CLASSES | _others(folder)
    total = len(classes) + 1
    parts: dict[str, Any] = {}
    for done, (part, cls) in enumerate(classes.items()):
        on_stage(done, total, part)
        parts[part] = to_compute(part, cls)
    on_stage(len(classes), total, "tokenizers")
    for part in ("tokenizer", "tokenizer_2"):
        parts[part] = small_part(transformers, folder, part)
        check_tokenizer(parts[part], folder)
    able = abilities(folder)
    declared = small_part(diffusers, folder, "scheduler")
    return Pipeline(
        **parts,
        feature_extractor=small_part(transformers, folder, "feature_extractor") if able.ranked else None,
        scheduler=make_scheduler(declared, scheduler_config(folder), scheduler),
        dtype=dtype,
        unet_config=refuse_on_error(folder, "unet", lambda: AudioLDM2UNet2DConditionModel.load_config(folder / "unet")),
        load_unet=lambda: to_compute_unet("unet"),
        keeps_time=(folder / "unet" / CLOCK).is_file(),
        few_steps=able.few_steps,
        load_few=(lambda: to_compute_unet(FEW)) if able.few_steps else None,
    )


def _others(folder: Path) -> dict[str, Any]:
    """The classes of the parts in which checkpoints differ, whose modules are imported only if they are needed."""
    vocoder = class_of(folder, "vocoder")
    others: dict[str, Any] = {}
    if class_of(folder, "text_encoder_2") == SPEECH:
        others["text_encoder_2"] = transformers.VitsModel
    if vocoder == "SpeechT5HifiGan":
        others["vocoder"] = transformers.SpeechT5HifiGan
    elif vocoder == MelVocoder.__name__:
        others["vocoder"] = MelVocoder
    else:
        raise NoModel(f"{folder}: model_index.json names an unknown vocoder. Fetch the checkpoint again.")
    return others


def make_scheduler(declared: Any, on_disk: dict[str, Any], name: str) -> Any:
    """A scheduler of class `name` with the checkpoint's noise schedule. Raises ConfigError if it does not fit."""
    fitting = {cls.__name__: cls for cls in declared.compatibles if cls.__name__ not in UNFIT_SCHEDULERS}
    cls = fitting.get(name) or fitting.get(f"{name}Scheduler")
    if cls is None:
        raise ConfigError(
            f"engine.scheduler: there is no {name!r} for this checkpoint; there are: {', '.join(sorted(fitting))}."
        )
    settings = {
        "timestep_spacing": on_disk.get("timestep_spacing", SPACING_WHEN_UNSTATED),
        "steps_offset": on_disk.get("steps_offset", 1),
        "prediction_type": on_disk.get("prediction_type", "epsilon"),
        **SCHEDULER_SETTINGS.get(cls.__name__, {}),
    }
    known = inspect.signature(cls.__init__).parameters
    try:
        return cls.from_config(declared.config, **{key: value for key, value in settings.items() if key in known})
    except (ImportError, ValueError, NotImplementedError) as error:
        raise ConfigError(f"engine.scheduler: {name} cannot be used: {' '.join(str(error).split())[:300]}") from error


def scheduler_facts(scheduler: Any) -> tuple[tuple[str, str], ...]:
    """The scheduler's settings that determine the sound, as text, for the recipe."""
    keys = (
        "algorithm_type", "solver_order", "timestep_spacing", "steps_offset", "prediction_type", "final_sigmas_type",
        "beta_schedule", "beta_start", "beta_end",
    )  # fmt: skip
    config = scheduler.config
    return tuple(
        (key, value if isinstance(value := config[key], str) else json.dumps(value)) for key in keys if key in config
    )
