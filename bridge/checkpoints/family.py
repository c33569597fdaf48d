"""Family: the parts of one kind of checkpoint, and how to read its abilities. No torch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.domain.model import Abilities
from bridge.errors import NoModel


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of checkpoint. `pipeline`: its class in model_index.json. `parts`: the class names allowed for each part (none:
    everything lies in the folder itself); `optional`:
    those of the parts that a checkpoint may lack; `libraries`: the modules that may define them. Otherwise a loader would import
    whatever the file names. `weights`: the parts that have weights. `check(where, index)` raises NoModel for other faults.
    `abilities(folder)` reads JSON files only. `terms`: a sentence on terms of use besides the licence in the model card."""

    name: str
    pipeline: str
    parts: Mapping[str, Collection[str]]
    libraries: Collection[str]
    weights: Collection[str]
    abilities: Callable[[Path | None], Abilities]
    check: Callable[[str, dict[str, Any]], None] = lambda where, index: None
    optional: Mapping[str, Collection[str]] = field(default_factory=dict)
    terms: str = ""

    def check_layout(self, where: str, index: dict[str, Any], files: Collection[str]) -> None:
        """Check that an index (model_index.json) names only classes of this family and that `files` ("part/name") has weights
        for each part. Raises NoModel with a sentence that begins with `where`."""
        if not self.parts and not any(file.endswith(".safetensors") and "/" not in file for file in files):
            raise NoModel(
                f"{where} has no .safetensors weights. Other formats (.bin) can run code when they are opened and are not loaded."
            )
        for part, allowed in {**self.parts, **self.optional}.items():
            entry = index.get(part)
            if part in self.optional and entry in (None, [None, None]):
                continue
            library, name = entry if isinstance(entry, list) and len(entry) == 2 else ("", "")
            texts = isinstance(library, str) and isinstance(name, str)
            if not texts or library not in self.libraries or name not in allowed:
                raise NoModel(
                    f"{where}: model_index.json names {entry!r} as {part}; expected {' or '.join(sorted(allowed))}."
                )
            names = [file for file in files if file.startswith(f"{part}/")]
            if not names:
                raise NoModel(f"{where}: the part {part!r} is missing. Fetch the checkpoint again.")
            if part in self.weights and not any(file.endswith(".safetensors") for file in names):
                raise NoModel(
                    f"{where}: {part!r} has no .safetensors weights. Other formats (.bin) can run code when they are "
                    "opened and are not loaded."
                )
        self.check(where, index)
