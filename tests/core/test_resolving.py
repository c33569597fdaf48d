"""An ask and its preset become a prompt."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.core.resolving import preferences, resolve
from bridge.domain.ask import Ask
from bridge.presets.files import Preset, read, shipped_folder

NOTE = read(shipped_folder() / "note.toml")


@pytest.mark.parametrize(
    ("ask", "note"),
    [
        (Ask("glassy bell", takes=4), "c4"),
        (Ask("glassy bell", note="a#4"), "a#4"),
        (Ask("glassy bell A#4"), ""),
        (Ask("bell, Eb3"), ""),
        (Ask("glassy bell", key="f#m"), ""),
    ],
)
def test_tones_without_a_note_have_that_of_the_preset_unless_the_text_or_a_key_says_another(
    ask: Ask, note: str
) -> None:
    prompt = resolve(ask, NOTE)
    assert prompt.note == note and preferences(ask, NOTE).note == (note == "c4")
    # Only a checkpoint that plays notes in tune follows it: it is not among the words.
    assert "C4" not in prompt.full_text


def test_a_preset_without_a_note_sets_none() -> None:
    ask = Ask("glassy bell")
    assert resolve(ask, Preset("mine", Path("mine.toml"))).note == "" and not preferences(ask, None).note
