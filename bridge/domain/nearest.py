"""Sentences about an unknown name or value: they suggest the nearest known one, or list them all."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from itertools import islice

SIMILARITY = 0.6  # the least difflib.SequenceMatcher.ratio, 0 to 1, of a suggestion
MAX_CHARACTERS, MAX_LISTED = 60, 40


def nearest(name: str, choices: Iterable[str], similarity: float = SIMILARITY) -> str:
    """The one of `choices` that is most similar to `name`, ignoring case and a leading @ or -; "" if none is similar
    enough."""
    plain = name[:MAX_CHARACTERS].lower().lstrip("@-")
    return next(iter(difflib.get_close_matches(plain, choices, 1, similarity)), "")


def unknown(kind: str, name: str, choices: Iterable[str], similarity: float = SIMILARITY) -> str:
    """A sentence: "There is no preset 'rian'; did you mean rain?", or "…; there are: bass, rain." if none is similar."""
    choices = list(choices)
    near = nearest(name, choices, similarity)
    hint = f"did you mean {near}?" if near else f"there are: {', '.join(islice(choices, MAX_LISTED))}."
    return f"There is no {kind} {name[:MAX_CHARACTERS]!r}; {hint}"


def not_one_of(name: str, value: str, choices: Iterable[object]) -> str:
    """A sentence: "format must be one of wav, flac, not 'wva'; did you mean wav?", without a guess if none is similar."""
    words = [str(choice) for choice in choices]
    near = nearest(value, words)
    hint = f"; did you mean {near}?" if near[:1] == value[:1].lower() != "" else "."  # gpu is no typing error for cpu
    return f"{name} must be one of {', '.join(words)}, not {value[:MAX_CHARACTERS]!r}{hint}"
