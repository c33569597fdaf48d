"""Tempo and key are words for some families and arguments for others, which get the text without them."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.core.resolving import resolve
from bridge.domain.ask import Ask
from bridge.domain.musical_words import text_alone


@pytest.mark.parametrize(
    ("keys", "words", "alone"),
    [
        ({"bars": 2.0, "bpm": 120.0, "key": "f#m"}, "house, 120 BPM, in the key of F# minor", "house"),
        ({"bars": 2.0, "bpm": 99.5}, "house, 99.5 BPM", "house"),
        ({"key": "c"}, "house, in the key of C", "house"),
        ({"note": "c4", "bars": 1.0, "bpm": 120.0}, "house, C4, 120 BPM", "house, C4"),
        ({}, "house", "house"),
    ],
)
def test_the_text_alone_is_that_of_the_engine_without_tempo_and_key(
    keys: dict[str, Any], words: str, alone: str
) -> None:
    prompt = resolve(Ask("house", **keys), None)
    assert (prompt.full_text, text_alone(prompt)) == (words, alone)


def test_what_the_musician_wrote_stays() -> None:
    assert text_alone(resolve(Ask("a song at 120 BPM"), None)) == "a song at 120 BPM"
