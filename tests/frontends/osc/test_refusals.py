"""Refusals of whole messages: what each says to do instead."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.errors import BadArgument
from bridge.frontends.osc import kits
from bridge.frontends.osc.addresses import METHODS
from bridge.frontends.osc.find import query_of
from tests.frontends.osc.test_buttons import Desk

ASKS = [address.replace("<n>", "3") for address, method in METHODS.items() if "generate" in address + method.arguments]


def refusal(address: str, *values: Any) -> list[Any]:
    desk = Desk()
    desk.send(address, *values)
    (answer,) = desk.answers
    return [answer[0], *answer[-1]]


@pytest.mark.parametrize("address", ASKS)
def test_a_missing_prompt_is_refused_with_an_example_of_the_address_it_was_sent_to(address: str) -> None:
    assert f"A prompt is missing: {address} " in refusal(address)[-1]


@pytest.mark.parametrize("address", ["/bridge/*", "/bridge/pi?g", "/bridge/{ping,version}", "/bridge/pad/[0-3]/stop"])
def test_an_address_pattern_is_refused_with_what_to_send_instead(address: str) -> None:
    assert refusal(address)[-1] == "Address patterns are not matched: send a message to each address."


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("/bridge/set", "/bridge/set/<key>"),
        ("/bridge/pad", "/bridge/pad/<n>/set"),
        ("/bridge/generte", "/bridge/generate"),
    ],
)
def test_the_beginning_of_an_address_is_answered_with_a_whole_one(sent: str, meant: str) -> None:
    assert refusal(sent)[-1] == f"There is no such address; did you mean {meant}?"


@pytest.mark.parametrize("path", ["", "kick.wav", "drums/kick.wav", "./kick.wav", "~/kick.wav", "file:///kick.wav"])
def test_recall_by_a_path_that_is_not_whole_fails_with_what_to_send(path: str) -> None:
    address, *_, code, why = refusal("/bridge/recall", path)
    assert (address, code) == ("/bridge/failed", "no_recipe") and "is not a whole path: send it as" in why


def test_a_range_that_ends_before_it_begins_finds_nothing_but_a_sentence() -> None:
    with pytest.raises(BadArgument, match="bpm_from must not be greater than bpm_to"):
        query_of(["", "bpm_from", 130, "bpm_to", 120])


def test_a_mistyped_key_of_a_kit_is_guessed() -> None:
    with pytest.raises(BadArgument, match="There is no key @sed for kits; did you mean @seed"):
        kits.parse(["drums", "kick", "@sed", 4])


@pytest.mark.parametrize(
    ("address", "values"), [("/bridge/pad/3/lock", (2,)), ("/bridge/generate", ("kick", "loop", "x"))]
)
def test_a_value_that_is_0_or_1_is_called_so(address: str, values: tuple[Any, ...]) -> None:
    assert " must be 0 or 1, not " in refusal(address, *values)[-1]
