"""Rows of an evaluation that are kept in files, so that one that was interrupted goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from bridge.starter.rows import Row

Made = tuple[list[Row], list[tuple[str, str, str]]]
"""Rows, and what was misheard: (sound, prompt, recognised sound)."""


class KeptRows:
    """Results in a folder, a file for each part. Those of another checkpoint or other settings are made again: `settings` says which
    they are of."""

    def __init__(self, folder: Path, settings: str) -> None:
        self._folder, self._settings = folder, settings
        folder.mkdir(parents=True, exist_ok=True)

    def of(self, part: str, make: Callable[[], Made]) -> Made:
        """The result of a part, from its file or made now."""
        file = self._folder / f"{part}-{self._settings}.json"
        if file.is_file():
            kept = json.loads(file.read_text("utf-8"))
            return [Row(**row) for row in kept["rows"]], [(a, b, c) for a, b, c in kept["misheard"]]
        rows, misheard = make()
        whole = json.dumps({"rows": [asdict(row) for row in rows], "misheard": misheard}, indent=1)
        half = file.with_suffix(".half")  # renamed when it is whole
        half.write_text(whole + "\n", encoding="utf-8")
        half.replace(file)
        return rows, misheard


def fingerprint(*folders: Path) -> str:
    """Eight letters that change with any weights or settings in the folders."""
    total = hashlib.sha256()
    for folder in folders:
        for file in sorted(file for end in ("safetensors", "json") for file in folder.rglob(f"*.{end}")):
            total.update(str(file.relative_to(folder)).encode() + b"\0" + file.read_bytes())
    return total.hexdigest()[:8]
