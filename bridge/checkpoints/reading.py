"""Read the small files of a checkpoint folder: JSON settings, its index, its model card."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from bridge.system.text import read_text

HEAD_CHARACTERS = 4_096  # of a model card


def read_json(file: Path) -> dict[str, Any]:
    """The object in a JSON file; empty if it cannot be read."""
    try:
        content = json.loads(read_text(file))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


INDEX, SETTINGS = "model_index.json", "config.json"


def read_index(folder: Path) -> dict[str, Any]:
    """A checkpoint's model_index.json; empty if it cannot be read. Of one that has none, as transformers saves them, an index that names
    its class."""
    return read_json(folder / INDEX) or index_of(read_json(folder / SETTINGS))


def index_of(settings: dict[str, Any]) -> dict[str, Any]:
    """An index for the settings of a checkpoint without parts; empty if they name no class."""
    names = settings.get("architectures")
    return {"_class_name": str(names[0])} if isinstance(names, list) and len(names) == 1 else {}


def class_of(folder: Path, part: str) -> str:
    """The class name of a part in a checkpoint's index, or ""."""
    entry = read_index(folder).get(part)
    return str(entry[1]) if isinstance(entry, list) and len(entry) == 2 else ""


def scheduler_config(folder: Path) -> dict[str, Any]:
    """The scheduler settings on disk. A loaded config also has defaults, and does not tell which values the file states."""
    return read_json(folder / "scheduler" / "scheduler_config.json")


def stated(folder: Path, key: str, value: str) -> str:
    """The value of `key` in the first lines of a model card if it matches the pattern `value`, else ""."""
    return stated_in(head_of(folder), key, value)


def head_of(folder: Path) -> str:
    """The first lines of a model card; "" if it cannot be read."""
    try:
        with (folder / "README.md").open(encoding="utf-8") as card:
            return card.read(HEAD_CHARACTERS)
    except (OSError, UnicodeDecodeError):
        return ""


def stated_in(head: str, key: str, value: str) -> str:
    """The value of `key` in the first lines of a model card if it matches the pattern `value`, else ""."""
    match = re.search(rf"^{key}:\s*({value})\s*$", head, re.MULTILINE)
    return match[1] if match else ""


def sound_of(settings: dict[str, Any]) -> dict[str, Any]:
    """The sample rate in Hz (0 if it is not stated) and the channels (2 if they cannot be used) in the settings of an autoencoder of sound,
    as Abilities has them."""
    rate, channels = settings.get("sampling_rate"), settings.get("audio_channels")
    return {"sample_rate": rate if type(rate) is int else 0, "channels": channels if channels in (1, 2) else 2}
