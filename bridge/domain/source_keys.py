"""The keys of an ask that start from a source: which go together, and which would change what is to be kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.domain.source import HOWS, SHORTEST_GAP_S
from bridge.errors import BadArgument

# What each way has no use for, besides the other ways.
NO_USE = {
    "vary": ("more", "more_bars"),
    "continue": ("strength", "parts"),
    "fill": ("strength", "parts", "seconds", "bars", "bpm", "more", "more_bars"),
}
OF_A_SOURCE = ("strength", "parts", "from", "to", "more", "more_bars")
CHANGE_ALL = ("loop", "key", "trim", "reverse", "fade_in_ms", "lufs")  # of a clip, and so what is kept too
LENGTHS = ("seconds", "bars", "more", "more_bars")


def excluded(how: str) -> frozenset[str]:
    """The keys that `check` refuses together with `vary`, `continue` or `fill`, whatever their values."""
    changes = () if how == "vary" else (*CHANGE_ALL, *(("fade_out_ms",) if how == "fill" else ()))
    return frozenset({"note", *NO_USE[how], *changes, *HOWS} - {how})


def check(values: Mapping[str, Any]) -> None:
    """Raises BadArgument for keys, by name, that exclude or need each other."""
    ways = [how for how in HOWS if how in values]
    if len(ways) > 1:
        raise BadArgument(f"{ways[0]} and {ways[1]} are two ways to use a source: leave one of them out.")
    if not ways:
        lonely = next((name for name in OF_A_SOURCE if name in values), "")
        if lonely:
            raise BadArgument(f"{lonely} belongs to a source: send vary, continue or fill too, or leave {lonely} out.")
        return
    how = ways[0]
    unused = next((name for name in NO_USE[how] if name in values), "")
    if unused:
        of_length = unused in ("seconds", "bars", "bpm")
        why = "A filled clip keeps its length" if of_length else f"{unused} does not go with {how}"
        raise BadArgument(f"{why}: leave {unused} out.")
    if "note" in values:
        raise BadArgument("A source has its own pitch: leave note out.")
    lengths = [name for name in LENGTHS if name in values]
    if len(lengths) > 1:
        raise BadArgument(f"{lengths[0]} and {lengths[1]} both say how long it becomes: leave one of them out.")
    if how == "continue" and values[how] == "1":
        return  # a stream, which has its own rules
    if how != "vary":
        changes = next((name for name in values if name in excluded(how)), "")
        if changes:
            raise BadArgument(
                f"{changes} would change what is kept of the source: leave it out, and change the finished clip."
            )
    if how == "fill" and not {"from", "to"} <= values.keys():
        raise BadArgument("fill needs the gap: from 1.0 to 1.6, in seconds.")
    from_s, to_s = values.get("from", 0.0), values.get("to")
    if to_s is not None and to_s <= from_s:
        raise BadArgument("to must be greater than from.")
    if how == "fill" and to_s is not None and to_s - from_s < SHORTEST_GAP_S:
        raise BadArgument(f"The gap must be at least {1000 * SHORTEST_GAP_S:g} milliseconds long.")
