"""A source in a prompt and in a recipe."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest

from bridge.domain import recipe, source
from bridge.domain.clip import Prompt
from bridge.domain.model import Abilities, Model
from bridge.domain.source import Source
from bridge.errors import BadRecipe

MODEL = Model("x", "1", Abilities(44_100), "cpu", "float32", "none")
KICK = Source("/samples/kick.wav", "0" * 64, "vary", 0.7312708, 0.0, 0.7312708, 0.35, "hits", "kick", 126.0)
HOLE = Source("/samples/pad.flac", "a" * 64, "fill", 4.0, 1.0, 1.6000001)


@pytest.mark.parametrize("used", [KICK, HOLE, replace(KICK, how="continue", strength=0.5, parts="")])
def test_a_recipe_gives_back_its_source_exactly(used: Source) -> None:
    prompt = Prompt("kick", "kick", 1.0, 7, steps=20, guidance=3.5, source=used)
    assert recipe.read(recipe.write(prompt, MODEL, 1)).prompt.source == used


def test_a_recipe_without_a_source_does_not_mention_one() -> None:
    assert "source" not in recipe.make(Prompt("kick", "kick", 1.0, 7), MODEL, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"how": "eat"},
        {"path": ""},
        {"path": "a\0b"},
        {"path": 7},
        {"sha256": "00"},
        {"sha256": "Z" * 64},
        {"from": "0"},
        {"from": 1.0, "to": 0.5},
        {"from": float("nan")},
        {"seconds": 0.0},
        {"seconds": 1e9},
        {"strength": 1.5},
        {"strength": None},
        {"parts": "halves"},
        {"words": ["kick"]},
        {"words": "a\x1b[2J"},
        {"bpm": -3},
    ],
)
def test_a_damaged_source_in_a_recipe_is_refused(change: dict[str, Any]) -> None:
    written = recipe.make(Prompt("kick", "kick", 1.0, 7, steps=20, guidance=3.5, source=KICK), MODEL, 1)

    with pytest.raises(BadRecipe, match="source"):
        recipe.read(json.dumps({**written, "source": {**written["source"], **change}}))


def test_more_strength_runs_a_greater_share_of_the_schedule_from_none_to_all() -> None:
    shares = [source.schedule_share(n / 100) for n in range(101)]
    assert shares[0] == 0.0 and shares[-1] == 1.0
    assert all(low < high for low, high in itertools.pairwise(shares))


def test_a_source_lowers_the_units_that_are_counted_for_a_prompt() -> None:
    plain = Prompt("kick", "kick", 1.0, 7, steps=20)
    varied = replace(plain, source=replace(KICK, strength=0.5))
    assert plain.units == 20
    assert 8 <= varied.units <= 14
    assert replace(plain, source=HOLE).units == 20
    assert replace(plain, source=replace(KICK, strength=0.0)).units == 1
