"""What to say about a name that does not exist: the nearest one that does, or all of them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from itertools import islice

SIMILARITY = 0.6  # 0 to 1, as difflib.SequenceMatcher.ratio has it: less alike is not suggested
MAX_CHARACTERS, MAX_LISTED = 60, 40


def nearest(name: str, choices: Iterable[str], similarity: float = SIMILARITY) -> str:
    """The one of `choices` that is most like `name`, without regard to its case and to a leading @ or -; "" if none is
    alike enough."""
    plain = name[:MAX_CHARACTERS].lower().lstrip("@-")
    return next(iter(difflib.get_close_matches(plain, choices, 1, similarity)), "")


def unknown(kind: str, name: str, choices: Iterable[str], similarity: float = SIMILARITY) -> str:
    """A sentence: "There is no preset 'rian'; did you mean rain?", or "…; there are: bass, rain." if none is like it."""
    choices = list(choices)
    near = nearest(name, choices, similarity)
    hint = f"did you mean {near}?" if near else f"there are: {', '.join(islice(choices, MAX_LISTED))}."
    return f"There is no {kind} {name[:MAX_CHARACTERS]!r}; {hint}"
