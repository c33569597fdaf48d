"""Dataclasses as plain data and back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.checkpoints.audioldm2 import FAMILY
from bridge.domain.model import Model
from bridge.domain.plain import plain, read
from bridge.engine.messages import Cost, Ready
from bridge.engine.needs import Needs
from bridge.engine.wire import End

MODEL = Model("a", "b", FAMILY.abilities(None), "cpu", "float32", "none", (("beta", "1"),), threads="1")
READY = Ready(MODEL, (Cost(0.1, 0.2, 3, 0.5, 2),), Needs(1.5, 2.5, 3), 4, "slow")


def test_what_a_box_says_of_itself_is_the_same_after_a_journey_as_json() -> None:
    there = json.loads(json.dumps(plain(READY)))
    assert read(Ready, there) == READY


@pytest.mark.parametrize(
    "change",
    [
        {"highest_bytes": "4"},
        {"highest_bytes": 1.5},
        {"highest_bytes": True},
        {"model": None},
        {"model": []},
        {"costs": {}},
        {"costs": [1]},
        {"costs": [{"fixed_s": 0}]},
        {"needs": {"denoise": float("nan"), "decode": 0, "budget": 0, "whole_s": 0}},
        {"needs": {"denoise": 10**400, "decode": 0, "budget": 0, "whole_s": 0}},
        {"more": 1},
    ],
)
def test_anything_of_another_type_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        read(Ready, plain(READY) | change)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("audio", ["sing"]),
        ("notes", "all"),
        ("seconds", [1]),
        ("seconds", [1, 2, 3]),
        ("steps", "many"),
        ("audio", "vary"),
    ],
)
def test_abilities_that_no_checkpoint_can_have_are_refused(name: str, value: Any) -> None:
    there = plain(READY)
    there["model"]["abilities"][name] = value
    with pytest.raises(ValueError):
        read(Ready, there)


def test_a_table_of_texts_and_a_list_of_numbers_are_read() -> None:
    end = End(Cost(0.0, 0.1, 1, 1.0), (0.5,), {"heard": "kick"}, 7, ("note",), True)
    assert read(End, json.loads(json.dumps(plain(end)))) == end
    with pytest.raises(ValueError):
        read(End, plain(end) | {"remarks": {"heard": 1}})
