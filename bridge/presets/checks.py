"""What a value from a file must be: each check returns it as we use it, or raises ValueError with the end of a sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridge.domain.limits import MAX_PROMPT_CHARACTERS, Range

Check = Callable[[Any], Any]


def text(value: Any) -> str:
    """A text for a prompt, its white space made single."""
    if not isinstance(value, str):
        raise ValueError("must be a text in quotes")
    if len(value) > MAX_PROMPT_CHARACTERS or any(ord(c) < 32 and c not in "\t\n" for c in value):
        raise ValueError(f"must be at most {MAX_PROMPT_CHARACTERS} characters, without control characters")
    return " ".join(value.split())


def number(allowed: Range, whole: bool = False) -> Check:
    """A number in a range."""

    def check(value: Any) -> float | int:
        if isinstance(value, bool) or not isinstance(value, int | float) or value not in allowed:
            raise ValueError(f"must be a number from {allowed}")
        if whole and value != int(value):
            raise ValueError("must be a whole number")
        return int(value) if whole else float(value)

    return check


def one_of(choices: tuple[Any, ...]) -> Check:
    """One of a few values."""

    def check(value: Any) -> Any:
        if value not in choices or isinstance(value, bool):
            raise ValueError(f"must be one of {', '.join(map(str, choices))}")
        return value

    return check


def flag(value: Any) -> int:
    """true or false, as 1 or 0."""
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return int(value)
