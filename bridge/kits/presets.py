"""Kit presets: named lists of sounds in TOML files, `kits/*.toml` in the folders of the presets. Read when they are needed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.domain.ask import FIELDS, NOTES
from bridge.domain.kit import MAX_SOUNDS, Sound
from bridge.domain.nearest import unknown
from bridge.errors import BadArgument, ConfigError
from bridge.kits.keymap import lay_out
from bridge.presets.files import CHECKS as PRESET_CHECKS
from bridge.presets.files import MAX_PRESETS, NAME, Check, checked, contents, fault

SETTINGS = ("preset", "seconds", "negative", "steps", "guidance")  # keys that all sounds share


@dataclass(frozen=True, slots=True)
class KitPreset:
    """The contents of a kit's file: its sounds, and the keys (SETTINGS) that all of them share."""

    name: str
    file: Path
    description: str
    sounds: tuple[Sound, ...]
    settings: dict[str, Any]


def files(folders: Iterable[Path]) -> dict[str, Path]:
    """Name → file, sorted by name; later folders win. Reads the disk."""
    result: dict[str, Path] = {}
    for folder in folders:
        try:
            kits = sorted(file for file in (folder / "kits").iterdir() if file.suffix.lower() == ".toml")
        except OSError:
            continue  # the user's folder rarely exists
        result |= {file.stem.lower(): file for file in kits[:MAX_PRESETS]}
    return dict(sorted(result.items()))


def find(folders: Iterable[Path], name: str) -> KitPreset:
    """The kit preset `name`. Raises BadArgument, with the nearest name if there is none. Reads the disk."""
    available, name = files(folders), name.lower()
    if name not in available:
        raise BadArgument(unknown("kit preset", name, available))
    try:
        return read(available[name])
    except ConfigError as error:
        raise BadArgument(f"The kit preset {name!r} is broken: {error}") from error


def usable(folders: Iterable[Path]) -> list[KitPreset]:
    """The kit presets that are not broken. Reads the disk."""
    result = []
    for file in files(folders).values():
        with contextlib.suppress(ConfigError):  # `clipbridge kit --list` and its own use report it
            result.append(read(file))
    return result


def read(file: Path) -> KitPreset:
    """Read one file. Raises ConfigError that begins with the file and, if it is entries, the line."""
    name = file.stem.lower()
    if not NAME.fullmatch(name):
        raise ConfigError(f"{file}: name a kit's file with letters, digits, - and _ (at most 40), then .toml.")
    text, values = contents(file)
    entries = checked(file, text, values, CHECKS)
    try:
        sounds = lay_out(entries.pop("sounds", None) or _sounds(None), entries.pop("notes", ""))
    except BadArgument as error:
        raise fault(file, text, "sounds", str(error).rstrip(".")) from error
    return KitPreset(name, file, entries.pop("description", ""), sounds, entries)


def _sounds(value: Any) -> list[str]:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_SOUNDS:
        raise BadArgument(f"sounds must be a list of 1 to {MAX_SOUNDS} texts.")
    prompts = [FIELDS["text"].check(sound) for sound in value]
    if not all(prompts):
        raise BadArgument("sounds must have no empty text.")
    return prompts


def _name(value: Any) -> str:
    if not isinstance(value, str) or not NAME.fullmatch(value.lower()):
        raise BadArgument("preset must be the name of a preset.")
    return value


CHECKS: dict[str, Check] = {
    "description": PRESET_CHECKS["description"],
    **{name: FIELDS[name].check for name in SETTINGS},
    "preset": _name,
    "notes": NOTES.check,
    "sounds": _sounds,
}
