"""Presets: named prompt defaults in TOML files. The user's shadow ours; the last good version of a broken one stays."""

from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from bridge.domain import fields
from bridge.domain.ask import FIELDS, Shape, check_shape, fields_of
from bridge.domain.fields import Door
from bridge.domain.limits import EFFORT, STEPS
from bridge.domain.model import Preferences
from bridge.domain.nearest import nearest, unknown
from bridge.errors import BadArgument, ConfigError
from bridge.system.portable import shipped
from bridge.system.text import NotText, read_text

Check = Callable[[Any], Any]  # returns a value as we use it, raises BadArgument
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
MAX_PRESET_BYTES = 8_192  # tomllib takes 6 s for 40 kB of dotted keys
MAX_PRESETS = 500
YOUNG_S = 2.0  # within this time a second change may have the same time stamp: some disks count whole seconds


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
    effort: float = 1.0  # a factor of the checkpoint's usual steps
    guidance: float | None = None
    least_steps: int | None = None  # a deadline may lower the steps to this
    loop: int | None = None
    note: str | None = None  # of tones whose ask names none, so that all takes share it
    takes: int | None = None  # of a clip that is asked for alone
    strength: float | None = None  # for vary
    more: float | None = None  # for continue: the seconds or bars that are added
    more_bars: float | None = None
    shape: Shape = field(default_factory=Shape)

    @property
    def preferences(self) -> Preferences:
        """The settings that not every checkpoint has."""
        return Preferences(self.steps, self.effort, self.guidance, self.negative, self.least_steps)

    def words_around(self, prompt: str) -> str:
        """The text for the engine: the template with the prompt instead of {prompt}. Nothing else in it is special."""
        return self.template.replace("{prompt}", prompt)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The contents of the folders at one moment: presets by name, sorted, and faults of files by name. A preset whose file
    was good before it was broken is in both."""

    presets: Mapping[str, Preset]
    faults: Mapping[str, str]


class Change(NamedTuple):
    """A change of a preset. `state`: `ready` (new, edited or fixed, and in use), `broken`, `gone`."""

    name: str
    state: str
    why: str


class Presets:
    """All presets of some folders; those of later folders win.

    Looking one up reads the disk, until the first `take`: from then on only the catalogues that `take` gets count.
    """

    def __init__(self, *folders: Path) -> None:
        self.folders = folders
        self._read: dict[Path, tuple[_Stamp, Preset | str]] = {}  # the preset of each file, or its fault
        self._good: dict[Path, Preset] = {}  # the last good version of each
        self._now = Catalogue({}, {})
        self._handed_over = False

    def look(self) -> Catalogue:
        """Read the files that have changed since the last look. Call it from one thread at a time."""
        presets: dict[str, Preset] = {}
        faults: dict[str, str] = {}
        seen: dict[Path, tuple[_Stamp, Preset | str]] = {}
        for file in (file for folder in self.folders for file in _files(folder)):
            once = self._read_once(file)
            if once is None:
                continue
            seen[file], name, preset = once, file.stem.lower(), once[1]
            if isinstance(preset, Preset):
                self._good[file] = presets[name] = preset
                faults.pop(name, None)
            else:
                faults[name] = preset
                # Ours of that name would work, but the user means this one.
                presets.pop(name, None)
                if file in self._good:
                    presets[name] = self._good[file]
        self._read = seen
        if len(self._good) > 2 * MAX_PRESETS:  # deleted files stay in it too: some editors delete a file to save it
            self._good = {file: good for file, good in self._good.items() if file in seen}
        return Catalogue(dict(sorted(presets.items())), faults)

    def take(self, catalogue: Catalogue) -> list[Change]:
        """Use the catalogue of a look, and stop looking at the disk. Returns the differences."""
        before, self._now, self._handed_over = self._now, catalogue, True
        changes = []
        for name in sorted({*before.presets, *before.faults, *catalogue.presets, *catalogue.faults}):
            fault, preset = catalogue.faults.get(name), catalogue.presets.get(name)
            if fault is not None:
                if fault != before.faults.get(name):
                    before_it = " The version before it stays in use." if preset is not None else ""
                    changes.append(Change(name, "broken", fault + before_it))
            elif preset is None:
                changes.append(Change(name, "gone", ""))
            elif preset != before.presets.get(name) or name in before.faults:
                changes.append(Change(name, "ready", ""))
        return changes

    @property
    def faults(self) -> list[str]:
        """A sentence for each file that cannot be used, with file and line."""
        return list(self._now.faults.values())

    def all(self) -> Mapping[str, Preset]:
        """Name → preset, sorted by name."""
        if not self._handed_over:
            self._now = self.look()
        return self._now.presets

    def get(self, name: str) -> Preset:
        """The preset of that name. Raises BadArgument with the nearest name if it does not exist."""
        presets, name = self.all(), name.lower()
        if name in presets:
            return presets[name]
        if name in self._now.faults:
            raise BadArgument(f"The preset {name!r} is broken: {self._now.faults[name]}")
        raise BadArgument(unknown("preset", name, presets))

    def _read_once(self, file: Path) -> tuple[_Stamp, Preset | str] | None:
        """The preset of a file or its fault, None if the file is gone or still empty. Opens it only if it may have changed since the
        last look."""
        stamp, before = _stamp(file), self._read.get(file)
        if stamp is None:
            return None
        if stamp.young and stamp.bytes == 0:
            return before  # just created or emptied by an editor that is about to write it
        if before is not None and not stamp.young and stamp == before[0]:
            return before
        try:
            return stamp, read(file)
        except ConfigError as fault:
            return stamp, str(fault)


class _Stamp(NamedTuple):
    """The facts that tell whether a file has changed. `young`: it changed just before the look, and may have changed again since."""

    mtime_ns: int
    bytes: int
    inode: int
    young: bool


def shipped_folder() -> Path:
    """The folder of our own presets."""
    return shipped("presets")


def contents(file: Path) -> tuple[str, dict[str, Any]]:
    """The text of a TOML file and what it says. Raises ConfigError that begins with the file and, where it is known, the line."""
    try:
        if file.stat().st_size > MAX_PRESET_BYTES:
            raise ConfigError(f"{file}: larger than {MAX_PRESET_BYTES} bytes; that is not a preset.")
        text = read_text(file)
        if not text.strip():  # an editor is about to write it
            raise ConfigError(f"{file}:1: is empty.")
        return text, tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror}).") from error
    except NotText as error:
        raise ConfigError(f"{file}:{error.line}: is not UTF-8 text; save it as plain text, UTF-8.") from error
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
    known = checked(file, text, values, CHECKS)
    shape = {key: known.pop(key) for key in list(known) if key in FIELDS and FIELDS[key].part == "shape"}
    try:
        check_shape(shape)
    except BadArgument as error:
        raise fault(file, text, "bits", str(error).rstrip(".")) from error
    return Preset(name=name, file=file, shape=Shape(**shape), **known)


def checked(file: Path, text: str, values: dict[str, Any], checks: Mapping[str, Check]) -> dict[str, Any]:
    """The values of a file, each checked by the function of its key. Raises ConfigError with the line."""
    for key in values:
        if key not in checks:
            near = nearest(key, checks)
            raise fault(file, text, key, f"unknown key {key!r}" + (f", did you mean {near}?" if near else ""))
    result: dict[str, Any] = {}
    for key, value in values.items():
        try:
            result[key] = checks[key](value)
        except BadArgument as error:
            raise fault(file, text, key, str(error).rstrip(".")) from error
    return result


def fault(file: Path, text: str, key: str, reason: str) -> ConfigError:
    """The error about a key, with its line."""
    match = re.search(rf"^\s*[\"']?{re.escape(key)}[\"']?\s*[=.]|^\s*\[+\s*{re.escape(key)}", text, re.MULTILINE)
    line = text.count("\n", 0, match.start() + len(match[0]) - len(match[0].lstrip())) + 1 if match else 1
    return ConfigError(f"{file}:{line}: {reason}.")


def _files(folder: Path) -> list[Path]:
    try:
        files = [file for file in folder.iterdir() if file.suffix.lower() == ".toml" and file.is_file()]
    except OSError:
        return []  # the user's folder rarely exists
    return sorted(files)[:MAX_PRESETS]


def _stamp(file: Path) -> _Stamp | None:
    try:
        stat = file.stat()
    except OSError:
        return None
    return _Stamp(stat.st_mtime_ns, stat.st_size, stat.st_ino, time.time() - stat.st_mtime < YOUNG_S)


def _template(value: Any) -> str:
    text = fields.text(value, "template")
    if text.count("{prompt}") != 1:
        raise BadArgument("template must contain {prompt} exactly once")
    return text


CHECKS: dict[str, Check] = {
    "description": partial(fields.text, name="description"),
    "example": partial(fields.text, name="example"),
    "template": _template,
    "effort": partial(fields.number, name="effort", allowed=EFFORT),
    "least_steps": partial(fields.number, name="least_steps", allowed=STEPS, whole=True),
    **{name: field.check for name, field in fields_of(Door.PRESET).items()},
}
