"""From OSC arguments to an Ask: positions first, then `key value` pairs. Every fault is a sentence."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from typing import Any

from bridge.domain import fields
from bridge.domain.ask import FIELDS, Ask, fields_of
from bridge.domain.fields import Door, Field
from bridge.domain.job import JobId
from bridge.domain.limits import MAX_PROMPT_CHARACTERS, Range
from bridge.domain.nearest import unknown
from bridge.errors import BadArgument

KEYS = fields_of(Door.OSC)


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
            return fields.job_id(self.values["id"]) if "id" in self.values else None
        except BadArgument:
            return None

    def reply_port(self) -> int | None:
        """The reply port, if a usable one is there."""
        try:
            return value(KEYS["reply_port"], self.values["reply_port"])
        except (KeyError, BadArgument):
            return None

    def ask(self) -> Ask:
        """Check everything. Raises BadArgument."""
        if self.fault is not None:
            raise self.fault
        values = {name: value(KEYS[name], given) for name, given in self.values.items()}
        seconds = None if self.seconds is None else value(FIELDS["seconds"], self.seconds)
        for name in ("id", "reply_port"):
            values.pop(name, None)
        ask = Ask(text=prompt(self.prompt), seconds=seconds, **values)
        ask.check()
        return ask

    def ask_without_sink(self, why: str) -> Ask:
        """The same for what has a sink of its own, which `why` says. Raises BadArgument."""
        ask = self.ask()
        if ask.sink is not None or ask.then is not None:
            raise BadArgument(f"{why}: leave sink and then out.")
        return ask


def pairs(arguments: list[Any]) -> Fields:
    """Take `prompt [seconds] [key value …]` apart."""
    message = Fields()
    if not arguments:
        message.fault = BadArgument('A prompt is missing: /bridge/generate "rain on tin" 4.0')
        return message
    message.prompt, rest = arguments[0], arguments[1:]
    if rest and _looks_numeric(rest[0]):
        message.seconds, rest = rest[0], rest[1:]
    for place in range(0, len(rest), 2):
        _add(message, rest[place], rest[place + 1 : place + 2])
    return message


def words(arguments: list[Any]) -> Fields:
    """Take `word … [seconds] [@key value …]` apart."""
    message = Fields()
    if "@" in arguments:
        message.fault = BadArgument("A key is written right behind its @, without a space: @preset drum")
    marks = [place for place, atom in enumerate(arguments) if isinstance(atom, str) and re.match(r"@[A-Za-z]", atom)]
    spoken = list(arguments[: marks[0]] if marks else arguments)
    if len(spoken) > 1 and _looks_numeric(spoken[-1]):
        message.seconds = spoken.pop()
    if not spoken and message.fault is None:
        message.fault = BadArgument("A prompt is missing: /bridge/generate/words rain on tin 4")
    message.prompt = joined(spoken)
    for mark, end in itertools.pairwise([*marks, len(arguments)]):
        given = arguments[mark + 1 : end]
        _add(message, arguments[mark][1:], given if len(given) < 2 else [joined(given)])
    return message


def _add(message: Fields, name: Any, given: list[Any]) -> None:
    if message.fault is not None:
        # The first fault is told; looking for near names of a hundred others would take its time. Whom to tell it is read.
        if name in ("id", "reply_port") and given:
            message.values.setdefault(name, given[0])
        return
    fault = None
    if not isinstance(name, str):
        fault = BadArgument(
            f"After the prompt and the seconds come pairs of a key and a value; {fields.shown(name)} is not a key."
        )
    elif name not in KEYS:
        fault = unknown_key(name)
    elif not given:
        fault = BadArgument(f"The key {name} has no value.")
    elif name in message.values:
        fault = BadArgument(f"The key {name} is there twice.")
    else:
        message.values[name] = given[0]
    message.fault = fault


def unknown_key(name: str) -> BadArgument:
    """What to say about a key that the table does not have."""
    if name in ("seconds", "prompt"):
        return BadArgument("The prompt comes first and the seconds right after it, both without a key.")
    return BadArgument(unknown("key", name, KEYS, similarity=0.5))


def value(key: Field, given: Any) -> Any:
    """The checked value of one key. Raises BadArgument, also for OSC's true and false: a switch is 0 or 1."""
    if isinstance(given, bool):
        raise BadArgument(f"{key.name} must be {key.values}, not true or false.")
    return key.parse(given)


def number(given: Any, name: str, allowed: Range, whole: bool = False) -> float:
    """A number from int, float, double, long or numeric text, within `allowed`. Raises BadArgument."""
    return fields.number(fields.from_text(given), name, allowed, whole)


def prompt(given: Any) -> str:
    """The prompt as text; a number is one too. Raises BadArgument."""
    spoken = isinstance(given, str | int | float) and not isinstance(given, bool)
    text = fields.text(_word(given), "the prompt") if spoken else ""
    if not text:
        raise BadArgument(f"The first argument must be the prompt, a text, not {fields.shown(given)}.")
    return text


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
    given = fields.from_text(given)
    return isinstance(given, int | float) and not isinstance(given, bool)


def joined(atoms: list[Any]) -> str:
    """Atoms as one text, numbers written as a person would."""
    return " ".join(map(_word, atoms))


def _word(atom: Any) -> str:
    if isinstance(atom, float) and atom.is_integer():
        return str(int(atom))
    return f"{atom:g}" if isinstance(atom, float) else str(atom)
