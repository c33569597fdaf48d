"""AudioLM models: the parts of their folder and their abilities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bridge.checkpoints.family import Family
from bridge.checkpoints.reading import read_json
from bridge.domain.limits import GUIDANCE, Range
from bridge.domain.model import Abilities

NAME_OF_SETTINGS = "config.json"
LIBRARY = "bridge.engine.audiolm"
PARTS = {"codec": {"MelCodec"}, "causal": {"TokenNetwork"}, "masked": {"TokenNetwork"}}
INDEX: dict[str, Any] = {"_class_name": "AudioLM", **{part: [LIBRARY, *names] for part, names in PARTS.items()}}
LONGEST_S = 30.0  # a clip; what it hears and makes grows with the square of the length
USUAL = Abilities(
    sample_rate=44_100,
    seconds=Range(0.1, LONGEST_S),
    guidance=GUIDANCE,
    usual_guidance=2.0,
    loops=True,
    audio=frozenset({"vary", "continue", "fill"}),
    equal_takes=False,  # sums in a batch are rounded in other places, and a token may fall to the other side
)


def abilities(folder: Path | None) -> Abilities:
    """The abilities of a model."""
    rate = None if folder is None else read_json(folder / "codec" / NAME_OF_SETTINGS).get("sample_rate")
    return USUAL if type(rate) is not int or rate == USUAL.sample_rate else Abilities(0)


FAMILY = Family(
    name="AudioLM",
    pipeline="AudioLM",
    parts=PARTS,
    libraries={LIBRARY},
    weights=tuple(PARTS),
    abilities=abilities,
)
