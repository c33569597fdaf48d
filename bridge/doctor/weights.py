"""Check that the checkpoint is complete. Reads headers, not weights: milliseconds for gigabytes."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open

from bridge.checkpoints.find import default, facts, find
from bridge.doctor.check import Check, fault, ok
from bridge.errors import NoModel


def check(name: str, accelerated: bool) -> Check:
    """Check that the checkpoint `name` ("" for the default, which depends on `accelerated`) is present and complete."""
    try:
        checkpoint = find(name) if name else default(accelerated)
    except NoModel as error:
        return fault("checkpoint", str(error), f"clipbridge pull {name}" if "/" in name else "Name another --model.")
    if checkpoint.folder is None:
        return ok("checkpoint", f"{checkpoint.name}: random weights, created when it runs")
    fix = f"clipbridge pull {checkpoint.name}" if "/" in checkpoint.name else "Install it again."
    for index in sorted(checkpoint.folder.glob("*/*.safetensors.index.json")):
        if missing := _shards(index) - {file.name for file in index.parent.iterdir()}:
            return fault("checkpoint", f"{checkpoint.name}: {index.parent.name} lacks {min(missing)}", fix)
    for file in sorted(checkpoint.folder.glob("*/*.safetensors")):
        if reason := damage(file):
            what = f"{checkpoint.name}: {file.relative_to(checkpoint.folder)} is damaged ({reason})"
            return fault("checkpoint", what, fix)
    stated = facts(name or checkpoint.name)
    megabytes, licence = f"{stated.size_bytes / 1e6:,.0f} MB", stated.licence or "none stated"
    return ok("checkpoint", f"{checkpoint.name}, {megabytes}, licence: {licence}")


def _shards(index: Path) -> set[str]:
    """The file names in the index of a split checkpoint."""
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
