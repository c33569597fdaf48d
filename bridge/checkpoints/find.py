"""Find checkpoints: a folder, a name in the hub's cache, the shipped starter, or the untrained one that is built locally.

Reads only names and small JSON files; no torch, no network.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.errors import NoModel

UNTRAINED = "untrained"
STARTER = "starter"
STARTER_FOLDER = Path(__file__).parent.parent / "starter" / "checkpoint"  # shipped in the package
PIPELINE = "AudioLDM2Pipeline"
PREFERRED = "cvssp/audioldm2"

# The classes that model_index.json may name. Anything else would make a loader import what the file says.
ALLOWED = {
    "vae": {"AutoencoderKL"},
    "text_encoder": {"ClapModel"},
    "text_encoder_2": {"T5EncoderModel", "VitsModel"},
    "projection_model": {"AudioLDM2ProjectionModel"},
    "language_model": {"GPT2Model", "GPT2LMHeadModel"},
    "tokenizer": {"RobertaTokenizer", "RobertaTokenizerFast"},
    "tokenizer_2": {"T5Tokenizer", "T5TokenizerFast", "VitsTokenizer"},
    "feature_extractor": {"ClapFeatureExtractor"},
    "unet": {"AudioLDM2UNet2DConditionModel"},
    "vocoder": {"SpeechT5HifiGan", "MelVocoder"},
}
OLD_VOCODER = "bridge.engine.mel_vocoder"  # the module's name in checkpoints trained with Clipbridge before 0.2
LIBRARIES = {"diffusers", "transformers", "audioldm2", "bridge.engine.audioldm2.mel_vocoder", OLD_VOCODER}
SPEECH = "VitsModel"  # as text_encoder_2: a checkpoint that speaks
MODELS = ("vae", "text_encoder", "text_encoder_2", "projection_model", "language_model", "unet", "vocoder")


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts for choosing a checkpoint: size on disk, licence of the weights ("" if not stated), sample rate in Hz (0 if not
    stated), the hub's revision."""

    name: str
    size_bytes: int
    licence: str
    sample_rate: int
    revision: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint on this disk. `folder`: None for the untrained one, which the engine builds."""

    name: str
    folder: Path | None
    revision: str = ""


def find(name: str) -> Checkpoint:
    """The checkpoint called `name`: "starter", "untrained", a folder, or a hub name that is in the cache.

    Raises NoModel, saying what to do.
    """
    if name == STARTER:
        return Checkpoint(STARTER, _checked(STARTER_FOLDER), starter_revision())
    if name == UNTRAINED:
        return Checkpoint(UNTRAINED, None)
    try:
        folder = Path(name).expanduser().resolve()
        is_folder = folder.is_dir()
    except (
        OSError,
        RuntimeError,
        ValueError,
    ) as error:  # the name is too long, names an unknown user or contains a NUL
        raise NoModel(f"{name[:100]!r} cannot be a checkpoint folder ({error}).") from error
    if is_folder:
        return Checkpoint(folder.name, _checked(folder))
    if len(name.split("/")) == 2 and not name.startswith((".", "/", "~")) and (cached := _cached(name)) is not None:
        return Checkpoint(name, _checked(cached), cached.name)
    raise NoModel(
        f"There is no checkpoint {name!r}: neither a folder of that name nor a model in the hub's cache "
        f"({hub_cache()}). Fetch it with: clipbridge pull {name if '/' in name else PREFERRED}"
    )


def default(accelerated: bool) -> Checkpoint:
    """AudioLDM 2 if it is in the cache and there is a GPU, else the starter."""
    if accelerated and (cached := _cached(PREFERRED)) is not None:
        return Checkpoint(PREFERRED, _checked(cached), cached.name)
    return find(STARTER)


def starter_revision() -> str:
    """The version in the starter's model card."""
    return _stated(STARTER_FOLDER, "version", "[0-9.]{1,20}")


def class_of(folder: Path, part: str) -> str:
    """The class name of a part in a checkpoint's index, or ""."""
    entry = _index(folder).get(part)
    return str(entry[1]) if isinstance(entry, list) and len(entry) == 2 else ""


def available() -> list[str]:
    """The names that `find` accepts: the starter, the untrained one and every AudioLDM 2 checkpoint in the hub's cache."""
    names = [STARTER, UNTRAINED]
    for folder in sorted(hub_cache().glob("models--*--*")):
        name = folder.name.removeprefix("models--").replace("--", "/", 1)
        cached = _cached(name)
        if cached is not None and _index(cached).get("_class_name") == PIPELINE:
            names.append(name)
    return names


def facts(name: str) -> Facts:
    """The facts of the checkpoint `name`, as in `find`. Raises NoModel."""
    checkpoint = find(name)
    if checkpoint.folder is None:
        return Facts(name, 0, "", 16_000, "")
    folder = checkpoint.folder
    try:
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    except OSError as error:
        raise NoModel(f"{folder} cannot be read ({error.strerror}).") from error
    rate = _read_json(folder / "vocoder" / "config.json").get("sampling_rate")
    return Facts(checkpoint.name, size, licence(folder), rate if type(rate) is int else 0, checkpoint.revision)


def hub_cache() -> Path:
    """The download folder of huggingface_hub, by its own rules (HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME)."""
    if cache := os.environ.get("HF_HUB_CACHE"):
        return Path(cache).expanduser()
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    return Path(home).expanduser() / "hub"


def licence(folder: Path) -> str:
    """The licence in the first lines of a checkpoint's model card (README.md), or ""."""
    return _stated(folder, "license", "[A-Za-z0-9._-]{1,60}")


def _stated(folder: Path, key: str, value: str) -> str:
    """The value of `key` in the first lines of a model card if it matches the pattern `value`, else ""."""
    try:
        with (folder / "README.md").open(encoding="utf-8") as card:
            head = card.read(4_096)
    except (OSError, UnicodeDecodeError):
        return ""
    stated = re.search(rf"^{key}:\s*({value})\s*$", head, re.MULTILINE)
    return stated[1] if stated else ""


def scheduler_config(folder: Path) -> dict[str, Any]:
    """The scheduler settings as they are on disk. A loaded config also holds defaults, and no longer says which values the file
    states."""
    return _read_json(folder / "scheduler" / "scheduler_config.json")


def _cached(name: str) -> Path | None:
    folder = hub_cache() / ("models--" + name.replace("/", "--"))
    reference = folder / "refs" / "main"
    try:
        snapshot = folder / "snapshots" / reference.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return snapshot if (snapshot / "model_index.json").is_file() else None


def _checked(folder: Path) -> Path:
    """`folder`, after checking its layout. Raises NoModel."""
    index = _index(folder)
    if not index:
        raise NoModel(f"{folder} is not a checkpoint folder: it has no readable model_index.json.")
    check_layout(str(folder), index, {file.relative_to(folder).as_posix() for file in folder.glob("*/*")})
    return folder


def check_layout(where: str, index: dict[str, Any], files: Collection[str]) -> None:
    """Check that an index (model_index.json) names only the classes of AudioLDM 2 and that `files` ("part/name") has weights for
    each part. Raises NoModel with a sentence that begins with `where`."""
    if index.get("_class_name") != PIPELINE:
        raise NoModel(
            f"{where} holds a {index.get('_class_name')!r}, not an {PIPELINE}; only AudioLDM 2 can be loaded."
        )
    for part, allowed in ALLOWED.items():
        entry = index.get(part)
        library, name = entry if isinstance(entry, list) and len(entry) == 2 else ("", "")
        if not isinstance(library, str) or not isinstance(name, str) or library not in LIBRARIES or name not in allowed:
            raise NoModel(
                f"{where}: model_index.json names {entry!r} as {part}; expected {' or '.join(sorted(allowed))}."
            )
        names = [file for file in files if file.startswith(f"{part}/")]
        if not names:
            raise NoModel(f"{where}: the part {part!r} is missing. Fetch the checkpoint again.")
        if part in MODELS and not any(file.endswith(".safetensors") for file in names):
            raise NoModel(
                f"{where}: {part!r} has no .safetensors weights. Other formats (.bin) can run code when they are "
                "opened and are not loaded."
            )
    if (index["text_encoder_2"][1] == SPEECH) != (index["tokenizer_2"][1] == "VitsTokenizer"):
        raise NoModel(
            f"{where}: model_index.json names a text_encoder_2 and a tokenizer_2 that do not belong together."
        )
    scheduler = index.get("scheduler")
    if not (
        isinstance(scheduler, list) and scheduler[:1] == ["diffusers"] and str(scheduler[-1]).endswith("Scheduler")
    ):
        raise NoModel(f"{where}: model_index.json names {scheduler!r} as scheduler; expected one of diffusers.")


def _index(folder: Path) -> dict[str, Any]:
    return _read_json(folder / "model_index.json")


def _read_json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
