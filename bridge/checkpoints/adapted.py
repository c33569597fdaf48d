"""Models that were learned as a LoRA of the starter: a folder with an index, a card, and one file that has all else. No torch."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.checkpoints.reading import read_index
from bridge.checkpoints.weights import header_of
from bridge.domain.words import plain

KIND = "AudioLDM2LoRA"
INDEX: dict[str, Any] = {"_class_name": KIND}
FILE = "lora.safetensors"
METADATA = "clipbridge"  # in the header of the file: JSON with the facts below
HASH = re.compile("[0-9a-f]{64}")
MAX_WORD_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Facts:
    """`word`: what its sounds are called in prompts, in lower case, "" for none. `base`: the fingerprint of the checkpoint that
    it was learned from, "" if it is unknown. `usual`: the words of that checkpoint for most of its sounds, "" for none."""

    word: str = ""
    base: str = ""
    usual: str = ""


UNKNOWN = Facts()


def file_in(folder: Path) -> Path | None:
    """The LoRA file of a learned model; None if it is a model of another kind."""
    return folder / FILE if read_index(folder).get("_class_name") == KIND else None


def facts_of(file: Path) -> Facts:
    """What a LoRA file says of itself; nothing if it was not learned here, or is damaged."""
    metadata = header_of(file).get("__metadata__")
    try:
        stated = json.loads(metadata[METADATA]) if isinstance(metadata, dict) else {}
        word, base, usual = stated["word"], stated["base"], stated["usual"]
    except (KeyError, ValueError, TypeError, RecursionError):
        return UNKNOWN
    if not isinstance(base, str) or not HASH.fullmatch(base):
        return UNKNOWN
    return Facts(_words(word), base, _words(usual))


def _words(stated: object) -> str:
    """Words in lower case; "" for anything else."""
    usable = isinstance(stated, str) and len(stated) <= MAX_WORD_CHARACTERS and stated == plain(stated)
    return str(stated) if usable else ""


def word_in(folder: Path) -> str:
    """The word of a learned model; "" if it has none."""
    file = file_in(folder)
    return "" if file is None else facts_of(file).word


def fingerprint(checkpoint: Path) -> str:
    """What tells the network of a checkpoint folder from any other. Raises OSError."""
    digest = hashlib.sha256()
    for file in sorted((checkpoint / "unet").glob("*.safetensors")):
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
