"""Field: a key of an ask, and how its values are checked. The table of keys is in `ask`."""

from __future__ import annotations

import enum
import keyword
import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from bridge.domain import then
from bridge.domain.limits import MAX_PATH_CHARACTERS, MAX_PROMPT_CHARACTERS, Range, is_sub_folder
from bridge.domain.musical_keys import key_of
from bridge.domain.nearest import not_one_of
from bridge.domain.notes import HIGHEST, midi_of, name_of
from bridge.errors import BadArgument

MAX_ID_CHARACTERS = 120
LARGEST = 2**63  # OSC can carry smaller whole numbers
NUMERIC = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")

Kind = Literal["text", "number", "whole", "flag", "choice", "note", "key", "folder", "then", "id", "source"]
Part = Literal["sound", "shape", "playback", "job"]


class Door(enum.Flag):
    """A place where keys of an ask come in."""

    OSC = enum.auto()  # /bridge/generate, pads, streams, /bridge/set
    COMMAND = enum.auto()  # an option of `clipbridge generate`, or a key of its file
    LIST = enum.auto()  # a list of prompts in the inbox
    PAD = enum.auto()  # the file that pads are saved in
    PRESET = enum.auto()
    KIT = enum.auto()  # /bridge/kit, and an option of `clipbridge kit`


EVERYWHERE = Door.OSC | Door.COMMAND | Door.LIST | Door.PAD


@dataclass(frozen=True, slots=True)
class Field:
    """A key of an ask.

    `part`: where its value goes: `sound` to the engine, `shape` to the shaper, `playback` to the audio device, `job` to the
    job itself. `what`: one sentence, for the docs and the help. `allowed`: the range of a number.
    `default`: the value if neither the ask nor a preset has one. `longest`: the limit of a text in characters.
    `whole_clip`: with any value but the default, the start of a clip can only be shaped once its end is known.
    """

    name: str
    kind: Kind
    part: Part
    what: str
    allowed: Range | None = None
    choices: tuple[str | int, ...] = ()
    default: Any = None
    doors: Door = EVERYWHERE
    longest: int = MAX_PROMPT_CHARACTERS
    whole_clip: bool = False

    def check(self, value: Any) -> Any:
        """The value as the core uses it. Raises BadArgument with a sentence that names the key."""
        return CHECKS[self.kind](self, value)

    def parse(self, value: Any) -> Any:
        """Check a value that may come as text, as in OSC messages and lists: "4.0" is a number, "true" is 1."""
        if self.kind == "flag" and isinstance(value, str) and value.lower() in ("true", "false"):
            return int(value.lower() == "true")
        numeric = self.kind in ("number", "whole", "flag", "note") or self._has_numbers
        return self.check(from_text(value) if numeric else value)

    @property
    def values(self) -> str:
        """The allowed values, in Markdown."""
        kinds = {
            "text": "text",
            "number": "number",
            "whole": "whole number",
            "flag": "0 or 1",
            "choice": " or ".join(f"`{choice}`" for choice in self.choices),
            "note": "text or number",
            "key": "text",
            "folder": "text",
            "then": "an address, then `i:`, `f:` or `s:` values",
            "id": "number or text",
            "source": "the whole path of an audio file, `last`, `clip:` and its number, or `voice:` and its number",
        }
        return kinds[self.kind] + (f", {self.allowed}" if self.allowed else "")

    @property
    def attribute(self) -> str:
        """The name of its attribute in an Ask: that of the key, with `_` behind a word that Python keeps for itself."""
        return self.name + "_" * keyword.iskeyword(self.name)

    @property
    def in_presets(self) -> bool:
        """Whether a preset may have this key."""
        return Door.PRESET in self.doors

    @property
    def _has_numbers(self) -> bool:
        return bool(self.choices) and all(isinstance(choice, int) for choice in self.choices)


def text(value: Any, name: str, longest: int = MAX_PROMPT_CHARACTERS) -> str:
    """A text with its white space collapsed. Raises BadArgument if it is too long, or has control characters (Unicode's
    category Cc, which includes U+0080 to U+009F) or half a surrogate pair, which no file can hold."""
    if not isinstance(value, str):
        raise BadArgument(f"{name} must be text, not {shown(value)}.")
    if len(value) > longest:
        raise BadArgument(f"{name} may have at most {longest:,} characters, not {len(value):,}.")
    value = " ".join(value.split())
    if has_control_characters(value):
        raise BadArgument(f"{name} has control characters; send plain text.")
    return value


def has_control_characters(value: str) -> bool:
    """Whether a text has control characters or half a surrogate pair."""
    return any(unicodedata.category(character) in ("Cc", "Cs") for character in value)


def number(value: Any, name: str, allowed: Range, whole: bool = False) -> float:
    """A number within `allowed`, an int if `whole`. Raises BadArgument, also for NaN, infinity and true."""
    kind = f"{'a whole number' if whole else 'a number'} from {allowed}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadArgument(f"{name} must be {kind}, not {shown(value)}.")
    if isinstance(value, float) and (not math.isfinite(value) or (whole and not value.is_integer())):
        raise BadArgument(f"{name} must be {kind}, not {value}.")
    if abs(value) >= LARGEST:
        raise BadArgument(f"{name} must be {kind}, not {shown(value)}.")
    # A 32-bit float has no exact 0.1: a host's 0.1 arrives as 0.10000000149, or just below.
    near = value if whole else next((b for b in allowed if math.isclose(value, b, rel_tol=1e-6)), round(value, 6))
    if near not in allowed:
        raise BadArgument(f"{name} must be {allowed}, not {round(value, 6):.10g}.")
    return int(near) if whole else near


def flag(value: Any, name: str) -> int:
    """0 or 1, also from true and false. Raises BadArgument."""
    if isinstance(value, int | float) and value in (0, 1):
        return int(value)
    raise BadArgument(f"{name} must be 0 or 1, not {shown(value)}.")


def note(value: Any) -> str:
    """The name of a note, from a name or a MIDI number. Raises BadArgument."""
    if isinstance(value, str):
        try:
            return name_of(midi_of(value))
        except ValueError as error:
            raise BadArgument(f"note: {error}, or a MIDI number from 0 to {HIGHEST}.") from error
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadArgument(f"note must be a name such as c3, or a MIDI number from 0 to {HIGHEST}, not {shown(value)}.")
    return name_of(int(number(value, "note", Range(0, HIGHEST), whole=True)))


def job_id(value: Any) -> int | float | str:
    """Check an id and return it unchanged. Raises BadArgument."""
    if isinstance(value, bool) or not isinstance(value, int | float | str) or value == "":
        raise BadArgument(f"An id must be a number or text, not {shown(value)}.")
    if isinstance(value, float) and not math.isfinite(value):
        raise BadArgument("An id must be a finite number.")
    if isinstance(value, str) and (len(value) > MAX_ID_CHARACTERS or not value.isprintable()):
        raise BadArgument(f"An id may have at most {MAX_ID_CHARACTERS} characters, all printable.")
    return value


def from_text(value: Any) -> Any:
    """The number in a numeric text; any other value as it is."""
    return float(value) if isinstance(value, str) and NUMERIC.fullmatch(value.strip()) else value


def shown(value: Any) -> str:
    """A short description of any value, for a sentence."""
    if isinstance(value, int) and abs(value) >= LARGEST:
        return "a number with far too many digits"
    names = {
        bytes: "a blob",
        list: "an array",
        dict: "a table",
        bool: "true or false",
        type(None): "nothing",
        tuple: "a MIDI or time value",
    }
    return names[type(value)] if type(value) in names else repr(value)[:40]


def _number(field: Field, value: Any) -> float:
    assert field.allowed is not None
    return number(value, field.name, field.allowed, whole=field.kind == "whole")


def _choice(field: Field, value: Any) -> str | int:
    for choice in field.choices:
        if not isinstance(value, bool) and value == choice:
            return choice
    if isinstance(value, str):
        raise BadArgument(not_one_of(field.name, value, field.choices))
    raise BadArgument(f"{field.name} must be one of {', '.join(map(str, field.choices))}, not {shown(value)}.")


def _key(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise BadArgument(f"{field.name} must be text such as c or f#m, not {shown(value)}.")
    try:
        return key_of(value).name
    except ValueError as error:
        raise BadArgument(f"{error}.") from error


def _folder(field: Field, value: Any) -> str:
    folder = text(value, field.name, field.longest)
    if not is_sub_folder(folder):
        raise BadArgument(
            f"{field.name} must be a sub-folder such as drums or drums/kicks: letters, digits, space, - and _."
        )
    return folder


def _source(field: Field, value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool) and value in (0, 1):
        value = str(int(value))  # a stream continues itself with 1
    if not isinstance(value, str) or not value:
        raise BadArgument(
            f"{field.name} must be the path of an audio file, last, clip:NUMBER or voice:NUMBER, not {shown(value)}."
        )
    if len(value) > MAX_PATH_CHARACTERS or has_control_characters(value):
        raise BadArgument(f"{field.name}: that cannot be the path of a file.")
    return value


def _then(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise BadArgument(f"{field.name} must be text such as {then.EXAMPLE}, not {shown(value)}.")
    if has_control_characters(value):
        raise BadArgument(f"{field.name} has control characters; send plain text.")
    then.parse(value)
    return value


CHECKS: dict[Kind, Callable[[Field, Any], Any]] = {
    "text": lambda field, value: text(value, field.name, field.longest),
    "number": _number,
    "whole": _number,
    "flag": lambda field, value: flag(value, field.name),
    "choice": _choice,
    "note": lambda _field, value: note(value),
    "key": _key,
    "folder": _folder,
    "then": _then,
    "id": lambda _field, value: job_id(value),
    "source": _source,
}
