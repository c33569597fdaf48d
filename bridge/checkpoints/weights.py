"""Read the headers of safetensors files without their weights: what they say, and how many weights a part has."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

LENGTH_BYTES = 8
MAX_HEADER_BYTES = 100_000_000  # as in the format: https://github.com/huggingface/safetensors


def header_of(file: Path) -> dict[str, Any]:
    """The header of a safetensors file: the tensors by name, and `__metadata__`. Empty if the file is damaged."""
    try:
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(LENGTH_BYTES), "little")
            header = json.loads(stream.read(length)) if length <= MAX_HEADER_BYTES else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return header if isinstance(header, dict) else {}


def elements(part: Path) -> int:
    """The numbers in all weight files of a part's folder, without variants such as fp16; a damaged file counts as none, and its loader
    says why."""
    return sum(_in_file(file) for file in sorted(part.glob("*.safetensors")) if "." not in file.stem)


def _in_file(file: Path) -> int:
    try:
        return sum(math.prod(tensor["shape"]) for name, tensor in header_of(file).items() if name != "__metadata__")
    except (TypeError, KeyError):
        return 0
