"""Load an AudioLDM 2 checkpoint, or say why it cannot be loaded.

Every known way in which libraries load one wrongly without an error is refused here.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from diffusers import AudioLDM2ProjectionModel, AudioLDM2UNet2DConditionModel, AutoencoderKL
from tqdm import tqdm
from transformers import ClapModel, GPT2LMHeadModel, T5EncoderModel

from bridge.checkpoints.audioldm2 import FEW, OLD_VOCODER, SPEECH, abilities
from bridge.checkpoints.reading import class_of, scheduler_config
from bridge.engine.audioldm2 import mel_vocoder
from bridge.engine.audioldm2.clock import FILE as CLOCK
from bridge.engine.audioldm2.clock import with_clock
from bridge.engine.audioldm2.mel_vocoder import MelVocoder
from bridge.engine.audioldm2.pipeline import Pipeline
from bridge.engine.lean_imports import without_compiler
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

# Functions of torch.nn.init. In an empty tensor they take as long as reading the starter, and import SymPy.
FILLING = ("normal_", "uniform_", "kaiming_uniform_", "xavier_uniform_", "trunc_normal_")

# Lower case, because small checkpoints may not know capitals.
KNOWN_SENTENCE = "the sound of a hammer hitting a wooden surface"


def quiet() -> None:
    """Keep the libraries' progress bars and warnings off the terminal. Everything that matters is an error of ours."""
    for library in (diffusers, transformers):
        library.utils.logging.set_verbosity_error()
        library.utils.logging.disable_progress_bar()
    # diffusers passes an argument that is deprecated since transformers 5.24.
    warnings.filterwarnings("ignore", "`past_key_values` is deprecated", FutureWarning)
    # The pipeline makes a (disabled) tqdm bar in each call. Prevent its monitor thread, and a semaphore that the system reports
    # as leaked when this process ends.
    tqdm.monitor_interval = 0
    tqdm.set_lock(threading.RLock())


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
        parts[part] = _small_part(transformers, folder, part)
        check_tokenizer(parts[part], folder)
    able = abilities(folder)
    declared = _small_part(diffusers, folder, "scheduler")
    return Pipeline(
        **parts,
        feature_extractor=_small_part(transformers, folder, "feature_extractor") if able.ranked else None,
        scheduler=make_scheduler(declared, scheduler_config(folder), scheduler),
        dtype=dtype,
        unet_config=_refuse_on_error(
            folder, "unet", lambda: AudioLDM2UNet2DConditionModel.load_config(folder / "unet")
        ),
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


def _small_part(library: Any, folder: Path, part: str) -> Any:
    """A part without weights, of the class that the checkpoint names; `checkpoints.find` has checked that name."""

    def read() -> Any:
        return getattr(library, class_of(folder, part)).from_pretrained(folder / part, local_files_only=True)

    return _refuse_on_error(folder, part, read)


def load_part(folder: Path, part: str, cls: Any, dtype: torch.dtype) -> Any:
    """A part with weights, of class `cls`. Raises NoModel."""

    def read() -> Any:
        with without_compiler(), _unfilled():
            return cls.from_pretrained(
                folder,
                subfolder=part,
                dtype=dtype,
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
            )

    model, info = _refuse_on_error(folder, part, read)
    wrong = sorted(map(str, info.get("missing_keys") or [])) + sorted(map(str, info.get("mismatched_keys") or []))
    if wrong:
        raise NoModel(
            f"{folder}: {part} would run with {len(wrong)} random layers, because its file lacks {wrong[0]}"
            f"{' and others' if len(wrong) > 1 else ''}. Fetch the checkpoint again, or use another one."
        )
    return model.eval()


@contextlib.contextmanager
def _unfilled() -> Iterator[None]:
    """Fill no new weights with random numbers: each is read from a file, or the part is refused."""
    originals = {name: getattr(torch.nn.init, name) for name in FILLING}
    try:
        for name in FILLING:
            setattr(torch.nn.init, name, lambda tensor, *_a, **_more: tensor)
        yield
    finally:
        for name, original in originals.items():
            setattr(torch.nn.init, name, original)


def _refuse_on_error(folder: Path, what: str, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except torch.OutOfMemoryError as error:
        raise NoModel(
            f"{folder} does not fit into memory ({what}). Use a smaller checkpoint or --compute cpu."
        ) from error
    except Exception as error:  # a damaged file raises anything, from json errors to SafetensorError
        reason = " ".join(str(error).split())[:300]
        raise NoModel(f"{folder}: {what} cannot be loaded ({type(error).__name__}: {reason}).") from error


def check_tokenizer(tokenizer: Any, folder: Path) -> None:
    """Check that a known sentence survives encoding and decoding, in tokens longer than letters. Raises NoModel.

    Catches a vocabulary of 14 tokens (a T5 folder without tokenizer.json: every word is unknown) and lost merges
    (transformers 5.0.0: one token per letter), which both run and make the wrong sound.
    """
    if type(tokenizer).__name__ == "VitsTokenizer":
        _check_letters(tokenizer, folder)
        return
    ids = tokenizer(KNOWN_SENTENCE).input_ids
    back = tokenizer.decode(ids, skip_special_tokens=True).strip()
    unknown = tokenizer.unk_token_id is not None and tokenizer.unk_token_id in ids
    if unknown or back != KNOWN_SENTENCE or len(ids) > 0.75 * len(KNOWN_SENTENCE):
        raise NoModel(
            f"{folder}: its {type(tokenizer).__name__} is broken: it reads {KNOWN_SENTENCE!r} as {back[:60]!r} in "
            f"{len(ids)} tokens. The checkpoint lacks tokenizer.json, or transformers {transformers.__version__} misreads it."
        )


def _check_letters(tokenizer: Any, folder: Path) -> None:
    """Letters and phonemes cannot be decoded to words, but there must be several. Raises NoModel."""
    if tokenizer.phonemize and not transformers.utils.is_phonemizer_available():
        raise NoModel(
            f"{folder} reads phonemes: pip install phonemizer, and install espeak-ng (Debian: apt install espeak-ng, "
            "macOS: brew install espeak-ng, Windows: its installer from github.com/espeak-ng/espeak-ng/releases)."
        )
    ids = tokenizer(KNOWN_SENTENCE).input_ids
    if len(set(ids)) < 5:
        raise NoModel(f"{folder}: its VitsTokenizer is broken: a sentence becomes {len(set(ids))} different tokens.")


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
