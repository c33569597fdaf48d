"""OSC arguments one by one: numbers, prompts, names and values of keys, checked. Every fault is a sentence."""

from __future__ import annotations

import itertools
import re
from collections.abc import Container, Mapping
from typing import Any

from bridge.domain import fields
from bridge.domain.ask import fields_of
from bridge.domain.fields import Door, Field
from bridge.domain.limits import MAX_PROMPT_CHARACTERS, Range
from bridge.domain.nearest import unknown
from bridge.errors import BadArgument

KEYS = fields_of(Door.OSC)
MARK = re.compile(r"@[A-Za-z]")  # how a key begins among words


def value(key: Field, argument: Any) -> Any:
    """The checked value of a key. Raises BadArgument. Only a key that is 0 or 1 may be set by a button."""
    if key.kind == "flag" and (argument is None or isinstance(argument, bool)):
        return int(argument is not False)
    return key.parse(argument)


def number(argument: Any, name: str, allowed: Range, whole: bool = False) -> float:
    """A number from int, float, double, long or numeric text, within `allowed`. Raises BadArgument."""
    return fields.number(fields.from_text(argument), name, allowed, whole)


def is_numeric(argument: Any) -> bool:
    """Whether an argument is a number, or the text of one."""
    argument = fields.from_text(argument)
    return isinstance(argument, int | float) and not isinstance(argument, bool)


def prompt(argument: Any, what: str = "the prompt") -> str:
    """The prompt, or whatever comes first, as text, also from a number. Raises BadArgument."""
    readable = isinstance(argument, str | int | float) and not isinstance(argument, bool)
    text = fields.text(_word(argument), what) if readable else ""
    if not text:
        raise BadArgument(f"The first argument must be {what}, a text, not {fields.shown(argument)}.")
    return text


def only(arguments: list[Any], what: str) -> Any:
    """The single argument. Raises BadArgument if there are more or none."""
    if len(arguments) != 1:
        raise BadArgument(f"{what} wants one value.")
    return arguments[0]


def pressed(argument: Any) -> bool | None:
    """Whether an argument says that a button was pressed or, by F, 0 or "0", released; None if it is not from a button."""
    if argument is None or isinstance(argument, bool):
        return argument is not False
    argument = fields.from_text(argument)
    return argument != 0 if isinstance(argument, int | float) else None


def switch(arguments: list[Any], name: str) -> bool:
    """Whether a 0/1 setting becomes 1: by a press without a number, or by the number itself. Further arguments are ignored. Raises
    BadArgument."""
    argument = arguments[0] if arguments else True
    if argument is None or isinstance(argument, bool):
        return argument is not False
    return fields.flag(fields.from_text(argument), name) == 1


def press(arguments: list[Any]) -> bool:
    """Whether to run a command: on anything but the release of a button, which the first argument says. What a button sends
    besides is ignored."""
    return not arguments or pressed(arguments[0]) is not False


def check_alone(arguments: list[Any], address: str) -> None:
    """Raises BadArgument for arguments that no button sends."""
    argument = arguments[0] if arguments else True
    is_text = isinstance(argument, str) and fields.from_text(argument) not in (0, 1)
    if len(arguments) > 1 or is_text or pressed(argument) is None:
        raise BadArgument(f"{address} takes no arguments.")


def without_press(arguments: list[Any]) -> list[Any] | None:
    """The arguments of a command that may have one: none from a button that sends T, I or N, and None from one that sends F."""
    if arguments and (arguments[0] is None or isinstance(arguments[0], bool)):
        return [] if press(arguments) else None
    return arguments


def name(arguments: list[Any], address: str) -> str | None:
    """The one text that a command may have, unchanged, since folder names may have two spaces in a row. None if there is
    no text, or only the number that a button sends. Raises BadArgument."""
    if not arguments or not isinstance(arguments[0], str):
        return None
    if len(arguments) == 1 and pressed(arguments[0]) is not None:
        return None
    if len(arguments) > 1:
        raise BadArgument(f"{address} takes one name; a name of several words must be one text.")
    if len(arguments[0]) > MAX_PROMPT_CHARACTERS or not arguments[0].isprintable():
        raise BadArgument(f"{address}: that cannot be the name of a checkpoint.")
    return arguments[0]


def at_marks(arguments: list[Any]) -> tuple[list[Any], list[tuple[str, list[Any]]]]:
    """Split `word … @key value …`: the words, and each key with its values, of which several become one text."""
    marks = [place for place, atom in enumerate(arguments) if isinstance(atom, str) and MARK.match(atom)]
    keys = []
    for mark, end in itertools.pairwise([*marks, len(arguments)]):
        values = arguments[mark + 1 : end]
        keys.append((arguments[mark][1:], values if len(values) < 2 else [joined(values)]))
    return arguments[: marks[0]] if marks else arguments, keys


def keyed(arguments: list[Any], keys: Mapping[str, Field], command: str) -> dict[str, Any]:
    """The checked values of the pairs `key value …` of a command that has these keys. Raises BadArgument."""
    values: dict[str, Any] = {}
    for name, *rest in (arguments[place : place + 2] for place in range(0, len(arguments), 2)):
        if not isinstance(name, str) or name not in keys:
            raise BadArgument(unknown(f"key of {command}", str(name), keys))
        check_once(name, rest, values)
        values[name] = value(keys[name], rest[0])
    return values


def check_once(name: str, values: list[Any], known: Container[str]) -> None:
    """Raises BadArgument for a key without a value, and for one that is `known` already."""
    if not values:
        raise BadArgument(f"The key {name} has no value.")
    if name in known:
        raise BadArgument(f"The key {name} is set twice.")


def joined(atoms: list[Any]) -> str:
    """Atoms as one text, numbers as a person writes them."""
    return " ".join(map(_word, atoms))


def _word(atom: Any) -> str:
    if isinstance(atom, float) and atom.is_integer():
        return str(int(atom))
    return f"{atom:g}" if isinstance(atom, float) else str(atom)
