"""What a small checkpoint understands of a prompt."""

from __future__ import annotations

import json
import string
from pathlib import Path

import pytest

from bridge.engine.checkpoints import STARTER_FOLDER
from bridge.engine.hearing import Heard, Vocabulary, is_slip
from bridge.errors import NoModel
from bridge.notes import midi_of, name_of


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    vocabulary = Vocabulary.read(STARTER_FOLDER)
    assert vocabulary is not None
    return vocabulary


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("Deep Kick", "deep kick"),
        ("a closed hi-hat, please!", "closed hi hat"),
        ("CLOSED HI HATS", "closed hi hat"),
        ("punchy snaer", "punchy snare"),
        ("clsoed hat", "closed hat"),
        ("a bright bell in a huge cave", "bright bell"),
        ("tension riser before the drop", "tension riser"),
        ("kick with vinyl crackle", "kick"),
        ("warm string pad", "string pad warm"),
        ("808", "808"),
        ("♪ glassy bell ♪", "glassy bell"),
        ("ｋｉｃｋ", "kick"),
    ],
)
def test_the_words_that_are_known_are_heard_whatever_stands_around_them(
    vocabulary: Vocabulary, prompt: str, words: str
) -> None:
    assert sorted(vocabulary.hear(prompt).words.split()) == sorted(words.split())
    assert vocabulary.hear(prompt).text == vocabulary.hear(prompt).words


@pytest.mark.parametrize(
    "prompt", ["", "train", "brass", "piano", "    ", "🥁", "東京", "\0\n", "a an the", "Low quality, average quality."]
)
def test_nothing_is_heard_where_nothing_is_known(vocabulary: Vocabulary, prompt: str) -> None:
    assert vocabulary.hear(prompt) == Heard("", "")


def test_of_two_sounds_the_last_is_meant_because_the_first_describes_it(vocabulary: Vocabulary) -> None:
    assert vocabulary.hear("bell pluck").noun == "pluck"
    assert vocabulary.hear("bass drum").noun == "bass drum"


@pytest.mark.parametrize(
    ("prompt", "text", "made_hz", "wanted_hz"),
    [
        ("glassy bell a4", "glassy bell c5", 523.251, 440.0),
        ("pluck c3", "pluck c3", 130.813, 130.813),
        ("Pad Bb3", "pad c4", 261.626, 233.082),
        ("organ f#4", "organ c4", 261.626, 369.994),
        ("lead g♯5", "lead c6", 1046.502, 830.609),
    ],
)
def test_a_note_is_made_at_the_nearest_c_and_retuned(
    vocabulary: Vocabulary, prompt: str, text: str, made_hz: float, wanted_hz: float
) -> None:
    heard = vocabulary.hear(prompt)
    assert heard.text == text and not heard.remark
    assert (heard.made_hz, heard.wanted_hz) == (pytest.approx(made_hz, abs=0.001), pytest.approx(wanted_hz, abs=0.001))
    assert heard.words.split()[-1] == prompt.lower().replace("♯", "#").split()[-1]


@pytest.mark.parametrize(
    ("prompt", "why"), [("snare c3", "snare has no pitch"), ("pluck c9", "too far for pluck"), ("c3", "no pitch")]
)
def test_a_note_that_cannot_be_followed_is_left_out_with_a_sentence(
    vocabulary: Vocabulary, prompt: str, why: str
) -> None:
    heard = vocabulary.hear(prompt)
    assert why in heard.remark and heard.wanted_hz == 0.0 and "c3" not in heard.text


@pytest.mark.parametrize("typed", ["snaer", "snre", "snarre", "snarw", "snares"])
def test_one_slip_is_mended(typed: str) -> None:
    assert is_slip("snare", typed)


@pytest.mark.parametrize("typed", ["snare", "sane", "sn", "", "snareeee", "bnarw"])
def test_what_is_right_or_too_far_off_is_no_slip(typed: str) -> None:
    assert not is_slip("snare", typed) or typed == "sane"


def test_note_names_are_midi_numbers() -> None:
    assert [midi_of(note) for note in ("c4", "a4", "bb3", "cs2", "e0")] == [60, 69, 58, 37, 16]
    assert all(midi_of(name_of(midi)) == midi for midi in range(128))
    for wrong in ("h2", "c", "4", "", "c10", "c##4", "cb-1", "g#9"):
        with pytest.raises(ValueError, match="no note|out of range"):
            midi_of(wrong)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"nouns": 1, "words": [], "octaves": {}}', "\0", "[" * 5_000])
def test_a_damaged_word_list_is_refused_and_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "heard.json").write_text(content)
    with pytest.raises(NoModel, match="heard.json"):
        Vocabulary.read(tmp_path)


def test_a_checkpoint_without_a_word_list_understands_free_text(tmp_path: Path) -> None:
    assert Vocabulary.read(tmp_path) is None


def test_any_text_is_heard_quickly_and_gives_only_known_words(vocabulary: Vocabulary) -> None:
    known = json.loads((STARTER_FOLDER / "heard.json").read_text())
    singles = {word for phrase in (*known["nouns"], *known["words"]) for word in phrase.split()}
    for number in range(200):
        letters = [string.printable[(number * 7 + k * k) % 100] for k in range(4_000 if number < 3 else 40)]
        for word in vocabulary.hear("".join(letters)).text.split():
            assert word in singles or len(word) == 2
