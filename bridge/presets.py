"""Presets: named prompt defaults in TOML files. The user's own shadow ours; a broken one is named and left out."""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.clip import (
    CHANNELS,
    FADE_MS,
    FORMATS,
    GUIDANCE,
    LUFS,
    MAX_PROMPT_CHARACTERS,
    SECONDS,
    STEPS,
    TRIMS,
    WIDTHS,
    Range,
    Shape,
    is_sub_folder,
)
from bridge.errors import BadArgument, ConfigError

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
MAX_FILE_BYTES = 8_192  # tomllib takes 6 s for 40 kB of dotted keys, and the event loop waits for it
MAX_PRESETS = 500


@dataclass(frozen=True, slots=True)
class Preset:
    """What a preset file says; None where it leaves the choice to the default."""

    name: str
    file: Path
    description: str = ""
    example: str = ""  # a prompt to try it with
    template: str = "{prompt}"
    negative: str | None = None
    seconds: float | None = None
    steps: int | None = None
    guidance: float | None = None
    least_steps: int | None = None  # to which a deadline may lower the steps
    loop: int | None = None
    shape: Shape = field(default_factory=Shape)

    def words_around(self, prompt: str) -> str:
        """The text for the engine: the template with the prompt in its place. Nothing else in it is special."""
        return self.template.replace("{prompt}", prompt)


class Presets:
    """All presets of some folders, later folders first in rank. Reads them again when a file has changed."""

    def __init__(self, *folders: Path) -> None:
        self.folders = folders
        self._presets: dict[str, Preset] = {}
        self._broken: dict[str, str] = {}
        self._seen: object = None

    @property
    def faults(self) -> list[str]:
        """What is wrong with the presets that are left out: a sentence each, with file and line."""
        return list(self._broken.values())

    def all(self) -> dict[str, Preset]:
        """Name → preset, sorted by name. Costs one directory listing while nothing has changed."""
        files = [file for folder in self.folders for file in _files(folder)]
        seen = [(file, *_stamp(file)) for file in files]
        if seen != self._seen:
            self._seen, self._presets, self._broken = seen, {}, {}
            for file in files:
                name = file.stem.lower()
                try:
                    self._presets[name] = read(file)
                    self._broken.pop(name, None)
                except ConfigError as fault:
                    self._broken[name] = str(fault)
            self._presets = dict(sorted(self._presets.items()))
        return self._presets

    def get(self, name: str) -> Preset:
        """Raises BadArgument, naming the nearest preset, if there is none of that name."""
        presets, name = self.all(), name.lower()
        if name in self._broken:  # even if ours of that name would work: it is not what the user means
            raise BadArgument(f"The preset {name!r} is broken: {self._broken[name]}")
        if name in presets:
            return presets[name]
        near = difflib.get_close_matches(name[:40], presets, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(list(presets)[:40])}."
        raise BadArgument(f"There is no preset {name[:60]!r}; {hint}")


def shipped_folder() -> Path:
    """Where our own presets lie: inside an installed wheel, or at the top of a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "data" / "presets"
    return installed if installed.is_dir() else package.parent / "presets"


def contents(file: Path) -> tuple[str, dict[str, Any]]:
    """The text of a TOML file and what it says. Raises ConfigError that begins with the file and, where it is known, the line."""
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError(f"{file}: larger than {MAX_FILE_BYTES} bytes; that is no preset.")
        text = file.read_text("utf-8-sig")  # Windows editors like to begin with a byte order mark
        return text, tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}:1: is not UTF-8 text (byte {error.start}).") from error
    except ValueError as error:  # TOMLDecodeError is one; so is a number of 5,000 digits
        at = re.search(r"at line (\d+)", str(error))
        raise ConfigError(f"{file}:{at[1] if at else text.count(chr(10)) + 1}: {error}.") from error
    except RecursionError as error:
        raise ConfigError(f"{file}: nested too deep.") from error


def read(file: Path) -> Preset:
    """Read one preset file. Raises ConfigError that begins with the file and, where it is known, the line."""
    name = file.stem.lower()
    if not NAME.fullmatch(name):
        raise ConfigError(f"{file}: a preset's file name is letters, digits, - and _ (at most 40), then .toml.")
    text, values = contents(file)
    for key in values:
        if key not in CHECKS:
            near = difflib.get_close_matches(key, CHECKS, 1)
            raise fault(file, text, key, f"unknown key {key!r}" + (f", did you mean {near[0]!r}?" if near else ""))
    checked: dict[str, Any] = {}
    for key, value in values.items():
        try:
            checked[key] = CHECKS[key](value)
        except ValueError as error:
            raise fault(file, text, key, f"{key} {error}") from error
    shape = {key: checked.pop(key) for key in (*SHAPING, "folder") if key in checked}
    return Preset(name=name, file=file, shape=Shape(**shape), **checked)


def fault(file: Path, text: str, key: str, reason: str) -> ConfigError:
    """The error about a key, with its line."""
    match = re.search(rf"^\s*[\"']?{re.escape(key)}[\"']?\s*[=.]|^\s*\[+\s*{re.escape(key)}", text, re.MULTILINE)
    line = text.count("\n", 0, match.start() + len(match[0]) - len(match[0].lstrip())) + 1 if match else 1
    return ConfigError(f"{file}:{line}: {reason}.")


def _files(folder: Path) -> list[Path]:
    try:
        found = [file for file in folder.iterdir() if file.suffix.lower() == ".toml" and file.is_file()]
    except OSError:
        return []  # no folder, no presets: the user's own folder rarely exists
    return sorted(found)[:MAX_PRESETS]


def _stamp(file: Path) -> tuple[int, int]:
    try:
        stat = file.stat()
    except OSError:
        return 0, 0
    return stat.st_mtime_ns, stat.st_size


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a text in quotes")
    if len(value) > MAX_PROMPT_CHARACTERS or any(ord(c) < 32 and c not in "\t\n" for c in value):
        raise ValueError(f"must be at most {MAX_PROMPT_CHARACTERS} characters, without control characters")
    return " ".join(value.split())


def _template(value: Any) -> str:
    text = _text(value)
    if text.count("{prompt}") != 1:
        raise ValueError("must contain {prompt} exactly once")
    return text


def _folder(value: Any) -> str:
    text = _text(value)
    if not is_sub_folder(text):
        raise ValueError("must be a sub-folder such as drums or drums/kicks: letters, digits, space, - and _")
    return text


def _number(allowed: Range, whole: bool = False) -> Any:
    def check(value: Any) -> float | int:
        if isinstance(value, bool) or not isinstance(value, int | float) or value not in allowed:
            raise ValueError(f"must be a number from {allowed}")
        if whole and value != int(value):
            raise ValueError("must be a whole number")
        return int(value) if whole else float(value)

    return check


def _one_of(choices: tuple[Any, ...]) -> Any:
    def check(value: Any) -> Any:
        if value not in choices or isinstance(value, bool):
            raise ValueError(f"must be one of {', '.join(map(str, choices))}")
        return value

    return check


def _flag(value: Any) -> int:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return int(value)


SHAPING = ("trim", "fade_in_ms", "fade_out_ms", "lufs", "format", "bits", "channels")
CHECKS: dict[str, Any] = {
    "description": _text,
    "example": _text,
    "template": _template,
    "negative": _text,
    "seconds": _number(SECONDS),
    "steps": _number(STEPS, whole=True),
    "guidance": _number(GUIDANCE),
    "least_steps": _number(STEPS, whole=True),
    "fade_in_ms": _number(FADE_MS),
    "fade_out_ms": _number(FADE_MS),
    "loop": _flag,
    "trim": _one_of(TRIMS),
    "lufs": _number(LUFS),
    "format": _one_of(FORMATS),
    "bits": _one_of(WIDTHS),
    "channels": _number(CHANNELS, whole=True),
    "folder": _folder,
}
