"""Whether the checkpoint that would run is whole. Reads headers, not weights: milliseconds for gigabytes."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open

from bridge.checkpoints.find import default, facts, find
from bridge.doctor.check import Check, fault, ok
from bridge.errors import NoModel


def checkpoint(name: str, accelerated: bool) -> Check:
    """The checkpoint `name` ("" for the default, which depends on what computes): there, laid out as it should be, its
    weights as long as they say."""
    try:
        found = find(name) if name else default(accelerated)
    except NoModel as error:
        return fault("checkpoint", str(error), f"clipbridge pull {name}" if "/" in name else "Name another --model.")
    if found.folder is None:
        return ok("checkpoint", f"{found.name}: random weights, made when it runs")
    for index in sorted(found.folder.glob("*/*.safetensors.index.json")):
        if missing := _shards(index) - {file.name for file in index.parent.iterdir()}:
            return fault("checkpoint", f"{found.name}: {index.parent.name} lacks {min(missing)}", "Fetch it again.")
    mend = f"clipbridge pull {found.name}" if "/" in found.name else "Install it again."
    for file in sorted(found.folder.glob("*/*.safetensors")):
        if reason := damage(file):
            return fault("checkpoint", f"{found.name}: {file.relative_to(found.folder)} is damaged ({reason})", mend)
    stated = facts(name or found.name)
    return ok(
        "checkpoint", f"{found.name}, {stated.size_bytes / 1e6:,.0f} MB, licence: {stated.licence or 'none stated'}"
    )


def _shards(index: Path) -> set[str]:
    """The files that a split checkpoint's index names."""
    try:
        return set(json.loads(index.read_text("utf-8"))["weight_map"].values())
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return {"a readable index"}


def damage(file: Path) -> str:
    """What is wrong with a safetensors file, or "". Its header must be valid and the tensors that it lists must fill the
    file exactly; the tensors themselves are not read."""
    try:
        with safe_open(file, "numpy"):
            return ""
    except (OSError, SafetensorError) as error:
        return str(error)
