"""What is filled in becomes an ask, or a sentence at a field; a recipe fills the form."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.domain.ask import FIELDS
from bridge.domain.tempo import Tempo
from bridge.panel.form import AUTO, BARS, SECONDS, BadField, Form, arguments, from_recipe

TEMPO = Tempo(126.0)


def test_a_filled_form_becomes_the_arguments_of_generate() -> None:
    ask = Form(" deep  kick ", "drum", SECONDS, 1.5, 4, "C#3", True, {"seed": 7}).ask(TEMPO)
    assert arguments(ask) == ["deep kick", 1.5, "seed", 7, "preset", "drum", "takes", 4, "note", "c#3", "loop", 1]


def test_what_is_left_alone_is_left_to_the_preset() -> None:
    assert arguments(Form("kick", "drum").ask(TEMPO)) == ["kick", "preset", "drum"]


def test_bars_are_sent_as_bars() -> None:
    assert arguments(Form("rain", unit=BARS, length=2).ask(TEMPO)) == ["rain", "bars", 2]
    assert arguments(Form("rain", unit=BARS, length=2, extras={"bpm": 90.0}).ask(TEMPO)) == [
        "rain",
        "bars",
        2,
        "bpm",
        90.0,
    ]
    assert arguments(Form("rain", unit=SECONDS, length=2, extras={"bpm": 90.0}).ask(TEMPO)) == ["rain", 2.0]


@pytest.mark.parametrize(
    ("filled", "name", "said"),
    [
        (Form("  "), "text", "Type what it should sound like"),
        (Form("x" * 60_000), "text", "at most 4,000 characters, not 60,000"),
        (Form("a\x07b"), "text", "control characters"),
        (Form("\ud800"), "text", "control characters"),
        (Form("bell", note="h9"), "note", "note"),
        (Form("bell", note="999"), "note", "0 to 127"),
        (Form("bell", unit=SECONDS, length=151), "length", "0.1 to 150"),
        (Form("bell", unit=BARS, length=200), "length", "381 seconds"),
        (Form("bell", note="c3", extras={"key": "c"}), "", "note is the pitch of a tone"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(filled: Form, name: str, said: str) -> None:
    with pytest.raises(BadField) as raised:
        filled.ask(TEMPO)
    assert raised.value.name == name and said in str(raised.value)


def test_a_recipe_fills_the_form_and_asks_for_the_same_again() -> None:
    recipe = {
        "text": "bell",
        "seconds": 2.0,
        "seed": 4711,
        "preset": "note",
        "note": "a#4",
        "takes": 2,
        "loop": True,
        "fade_out_ms": 15.0,
    }
    filled = from_recipe(recipe)
    assert filled == Form("bell", "note", SECONDS, 2.0, 2, "a#4", True, {"seed": 4711})
    in_bars = from_recipe({"text": "rain", "bars": 2.0, "seconds": 3.8095, "bpm": 126.0, "trim": "onset"})
    assert (in_bars.unit, in_bars.length, in_bars.extras) == (BARS, 2.0, {"bpm": 126.0, "trim": "onset"})


@pytest.mark.parametrize("value", [None, "", [], {}, "x" * 5_000, -1, 1e30, float("nan"), "\x00", b"blob", True])
def test_a_recipe_with_anything_in_it_leaves_out_what_is_not_valid(value: Any) -> None:
    filled = from_recipe(dict.fromkeys(FIELDS, value) | {"no such key": value})
    assert filled.unit in (AUTO, SECONDS, BARS) and 1 <= filled.takes <= 16
    if filled.text:
        filled.ask(TEMPO)
