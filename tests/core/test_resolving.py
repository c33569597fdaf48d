"""An ask and its preset become a prompt."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.core.resolving import preferences, resolve
from bridge.domain.ask import Ask
from bridge.domain.source import Source
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


KICK = Source("/k.wav", "0" * 64, "vary", 1.0, 0.0, 1.0, words="deep kick")


@pytest.mark.parametrize(
    ("text", "expected"), [("", "Distorted, gritty deep kick"), ("snare", "Distorted, gritty snare")]
)
def test_the_words_of_a_preset_for_variations_are_part_of_what_is_asked_for(text: str, expected: str) -> None:
    prompt = resolve(Ask(text, vary="/k.wav", source=KICK), read(shipped_folder() / "dirtier.toml"))
    assert prompt.text == prompt.full_text == expected
    assert prompt.source is not None and prompt.source.strength == 0.45


def test_another_preset_only_puts_its_words_around_those_of_a_source() -> None:
    prompt = resolve(Ask("", vary="/k.wav", source=KICK), read(shipped_folder() / "drum.toml"))
    assert prompt.text == "deep kick" and prompt.full_text.startswith("A single deep kick drum hit")
    assert prompt.seconds == 1.0 and prompt.source is not None and prompt.source.strength == 0.5
