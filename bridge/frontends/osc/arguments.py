"""From OSC arguments to an Ask: positions first, then `key value` pairs. Every fault is a sentence."""

from __future__ import annotations

import itertools
import math
import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any

from bridge.domain import then
from bridge.domain.ask import Ask
from bridge.domain.job import JobId
from bridge.domain.limits import MAX_PROMPT_CHARACTERS, SECONDS, Range
from bridge.domain.musical_keys import key_of
from bridge.domain.nearest import unknown
from bridge.domain.notes import HIGHEST, midi_of, name_of
from bridge.errors import BadArgument
from bridge.frontends.osc.addresses import KEYS, PORT, Key

MAX_ID_CHARACTERS = 120
NUMERIC = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")


@dataclass(slots=True)
class Fields:
    """A generate message taken apart but not checked yet, so that even a refusal can carry its id.

    `fault` is the first thing that was wrong with the form; values are as they came.
    """

    prompt: Any = None
    seconds: Any = None
    values: dict[str, Any] = field(default_factory=dict)
    fault: BadArgument | None = None

    def job_id(self) -> JobId | None:
        """The id, if a usable one is there."""
        try:
            return job_id(self.values["id"]) if "id" in self.values else None
        except BadArgument:
            return None

    def reply_port(self) -> int | None:
        """The reply port, if a usable one is there."""
        try:
            return int(number(self.values["reply_port"], "reply_port", PORT, whole=True))
        except (KeyError, BadArgument):
            return None

    def ask(self) -> Ask:
        """Check everything. Raises BadArgument."""
        if self.fault is not None:
            raise self.fault
        values = {name: value(KEYS[name], given) for name, given in self.values.items()}
        seconds = None if self.seconds is None else number(self.seconds, "seconds", SECONDS)
        for name in ("id", "reply_port"):
            values.pop(name, None)
        if ("then" in values) != ("then_port" in values):
            raise BadArgument("then and then_port belong together: what is sent, and to which port.")
        return Ask(text=prompt(self.prompt), seconds=seconds, **values)


def pairs(arguments: list[Any]) -> Fields:
    """Take `prompt [seconds] [key value …]` apart."""
    fields = Fields()
    if not arguments:
        fields.fault = BadArgument('A prompt is missing: /bridge/generate "rain on tin" 4.0')
        return fields
    fields.prompt, rest = arguments[0], arguments[1:]
    if rest and _looks_numeric(rest[0]):
        fields.seconds, rest = rest[0], rest[1:]
    for place in range(0, len(rest), 2):
        _add(fields, rest[place], rest[place + 1 : place + 2])
    return fields


def words(arguments: list[Any]) -> Fields:
    """Take `word … [seconds] [@key value …]` apart."""
    fields = Fields()
    if "@" in arguments:
        fields.fault = BadArgument("A key is written right behind its @, without a space: @preset drum")
    marks = [place for place, atom in enumerate(arguments) if isinstance(atom, str) and re.match(r"@[A-Za-z]", atom)]
    spoken = list(arguments[: marks[0]] if marks else arguments)
    if len(spoken) > 1 and _looks_numeric(spoken[-1]):
        fields.seconds = spoken.pop()
    if not spoken and fields.fault is None:
        fields.fault = BadArgument("A prompt is missing: /bridge/generate/words rain on tin 4")
    fields.prompt = joined(spoken)
    for mark, end in itertools.pairwise([*marks, len(arguments)]):
        given = arguments[mark + 1 : end]
        _add(fields, arguments[mark][1:], given if len(given) < 2 else [joined(given)])
    return fields


def _add(fields: Fields, name: Any, given: list[Any]) -> None:
    if fields.fault is not None:
        # The first fault is told; looking for near names of a hundred others would take its time. Whom to tell it is read.
        if name in ("id", "reply_port") and given:
            fields.values.setdefault(name, given[0])
        return
    fault = None
    if not isinstance(name, str):
        fault = BadArgument(f"After the prompt and the seconds come pairs of a key and a value; {name!r} is no key.")
    elif name not in KEYS:
        fault = unknown_key(name)
    elif not given:
        fault = BadArgument(f"The key {name} has no value.")
    elif name in fields.values:
        fault = BadArgument(f"The key {name} is there twice.")
    else:
        fields.values[name] = given[0]
    fields.fault = fault


def unknown_key(name: str) -> BadArgument:
    """What to say about a key that the table does not have."""
    if name in ("seconds", "prompt"):
        return BadArgument("The prompt comes first and the seconds right after it, both without a key.")
    return BadArgument(unknown("key", name, KEYS, similarity=0.5))


def value(key: Key, given: Any) -> Any:
    """The checked value of one key. Raises BadArgument."""
    if key.kind == "choice":
        if given not in key.choices:
            raise BadArgument(f"{key.name} is one of {', '.join(key.choices)}, not {_shown(given)}.")
        return given
    if key.kind == "id":
        return job_id(given)
    if key.kind == "text":
        if not isinstance(given, str):
            raise BadArgument(f"{key.name} must be a text, not {_shown(given)}.")
        return clean(given, key.name)
    if key.kind == "note":
        return note(given)
    if key.kind == "key":
        if not isinstance(given, str):
            raise BadArgument(f"key must be a text such as c or f#m, not {_shown(given)}.")
        try:
            return key_of(given).name
        except ValueError as error:
            raise BadArgument(f"{error}.") from error
    if key.kind == "then":
        if not isinstance(given, str):
            raise BadArgument(f"then must be a text such as {then.EXAMPLE}, not {_shown(given)}.")
        then.parse(given)
        return given
    assert key.allowed is not None
    checked = number(given, key.name, key.allowed, whole=key.kind == "whole")
    return int(checked) if key.kind == "whole" else checked


def number(given: Any, name: str, allowed: Range, whole: bool = False) -> float:
    """A number from int, float, double, long or numeric text, within `allowed`. NaN and infinity are refused."""
    if isinstance(given, str) and NUMERIC.fullmatch(given.strip()):
        given = float(given)
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise BadArgument(f"{name} must be a number, not {_shown(given)}.")
    if not math.isfinite(given) or (whole and given != int(given)):
        raise BadArgument(f"{name} must be a {'whole ' if whole else ''}number, not {given}.")
    # 32-bit floats cannot say 0.1 exactly: what a host sends as 0.1 arrives as 0.10000000149, or just below.
    near = given if whole else next((b for b in allowed if math.isclose(given, b, rel_tol=1e-6)), round(given, 6))
    if near not in allowed:
        raise BadArgument(f"{name} must be {allowed}, not {round(given, 6):.10g}.")
    return near


def prompt(given: Any) -> str:
    """The prompt as text; a number is one too. Raises BadArgument."""
    text = (
        clean(_word(given), "the prompt")
        if isinstance(given, str | int | float) and not isinstance(given, bool)
        else ""
    )
    if not text:
        raise BadArgument(f"The first argument must be the prompt, a text, not {_shown(given)}.")
    return text


def clean(text: str, name: str) -> str:
    """`text` with white space collapsed. Raises BadArgument if it is too long or has control characters."""
    if len(text) > MAX_PROMPT_CHARACTERS:
        raise BadArgument(f"{name} may have {MAX_PROMPT_CHARACTERS:,} characters, not {len(text):,}.")
    text = " ".join(text.split())
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise BadArgument(f"{name} has control characters in it; send plain text.")
    return text


def note(given: Any) -> str:
    """The name of a note, from a name or a MIDI number. Raises BadArgument."""
    if isinstance(given, str) and not _looks_numeric(given):
        try:
            return name_of(midi_of(given))
        except ValueError as error:
            raise BadArgument(f"note: {error}, or a MIDI number from 0 to {HIGHEST}.") from error
    return name_of(int(number(given, "note", Range(0, HIGHEST), whole=True)))


def job_id(given: Any) -> JobId:
    """An id in the type it came in. Raises BadArgument."""
    if isinstance(given, bool) or not isinstance(given, int | float | str) or given == "":
        raise BadArgument(f"An id must be a number or a text, not {_shown(given)}.")
    if isinstance(given, float) and not math.isfinite(given):
        raise BadArgument("An id must be a finite number.")
    if isinstance(given, str) and (len(given) > MAX_ID_CHARACTERS or not given.isprintable()):
        raise BadArgument(f"An id may have {MAX_ID_CHARACTERS} printable characters.")
    return given


def only(arguments: list[Any], what: str) -> Any:
    """The one value that there must be. Raises BadArgument."""
    if len(arguments) != 1:
        raise BadArgument(f"{what} wants one value.")
    return arguments[0]


def press(arguments: list[Any], address: str) -> bool:
    """Whether a command without arguments is meant: buttons send 1 when pressed and 0, which does nothing, when let go."""
    if not arguments:
        return True
    if len(arguments) == 1 and not isinstance(arguments[0], bool) and isinstance(arguments[0], int | float):
        return arguments[0] != 0
    raise BadArgument(f"{address} takes no arguments.")


def name(arguments: list[Any], address: str) -> str | None:
    """The one text that a command may have, as it is: folders may have two spaces in their names. None if it has none.
    Raises BadArgument."""
    if len(arguments) > 1 and isinstance(arguments[0], str):
        raise BadArgument(f"{address} takes one name; a name of several words must be one text.")
    if len(arguments) != 1 or not isinstance(arguments[0], str):
        return None
    if len(arguments[0]) > MAX_PROMPT_CHARACTERS or not arguments[0].isprintable():
        raise BadArgument(f"{address}: that cannot be the name of a checkpoint.")
    return arguments[0]


def _looks_numeric(given: Any) -> bool:
    if isinstance(given, str):
        return NUMERIC.fullmatch(given.strip()) is not None
    return isinstance(given, int | float) and not isinstance(given, bool)


def joined(atoms: list[Any]) -> str:
    """Atoms as one text, numbers written as a person would."""
    return " ".join(map(_word, atoms))


def _word(atom: Any) -> str:
    if isinstance(atom, float) and atom.is_integer():
        return str(int(atom))
    return f"{atom:g}" if isinstance(atom, float) else str(atom)


def _shown(given: Any) -> str:
    names = {
        bytes: "a blob",
        list: "an array",
        bool: "true or false",
        type(None): "nothing",
        tuple: "a MIDI or time value",
    }
    return names.get(type(given), repr(given)[:40])
