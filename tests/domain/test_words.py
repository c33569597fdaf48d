"""Words of a prompt."""

from __future__ import annotations

import pytest

from bridge.domain.words import length_in


@pytest.mark.parametrize(
    ("prompt", "length"),
    [
        ("snare 0.3", "0.3"),
        ("deep warm kick 1", "1"),
        ("rain 4 s", "4"),
        ("rain 4.5s", "4.5"),
        ("snare 0,3", "0.3"),
        ("rain 2,5 s", "2.5"),
        ("rain  12 Seconds ", "12"),
        ("rain .5", ".5"),
        ("808", ""),
        ("0.3", ""),
        ("kick 909", ""),
        ("tom 0", ""),
        ("bell a4", ""),
        ("4 bells", ""),
        ("snare 0.3 dry", ""),
        ("mp3", ""),
        ("", ""),
        ("x" * 4_000 + " 1" * 1_000, "1"),
    ],
)
def test_a_number_at_the_end_may_be_meant_as_a_length(prompt: str, length: str) -> None:
    assert length_in(prompt) == length
