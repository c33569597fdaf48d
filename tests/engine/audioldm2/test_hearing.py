"""What a small checkpoint understands of a prompt."""

from __future__ import annotations

import json
import random
import re
import string
from pathlib import Path

import pytest

from bridge.checkpoints.find import STARTER_FOLDER
from bridge.domain.notes import midi_of, name_of
from bridge.engine.audioldm2.hearing import Heard, Vocabulary, is_typo
from bridge.errors import NoModel

FAULTS: tuple[dict[str, object], ...] = (
    {"octaves": {"bell": "abc"}},
    {"octaves": {"bell": 4}},
    {"octaves": {"bell": [True]}},
    {"octaves": {"bell": [1e300]}},
    {"nouns": {"bell": []}},
    {"words": [1]},
    {"fills": 3},
)
WRONG = [json.dumps({"nouns": {"bell": "bell"}, "words": [], "octaves": {}, "fills": [], **fault}) for fault in FAULTS]


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
        ("#kick", "kick"),
        ("soft string", "soft string"),
        ("kick with a long decay", "kick long decay"),
        ("pad in minor", "pad minor"),
        ("kick for techno, deep and punchy", "kick deep punchy"),
        ("rain on a tin roof, heavy", "rain heavy"),
        ("kick with bright snare", "kick"),
        ("hi hat, no kick", "hi hat"),
        ("a kick not a snare", "kick"),
        ("no vocals, deep kick", "deep kick"),
        ("deep kick, vinyl crackle", "deep kick"),
        ("punhcy snare", "punchy snare"),
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
    ("prompt", "noun"),
    [
        ("snare layer", "snare"),
        ("siren going up", "siren"),
        ("kick, no clipping", "kick"),
        ("crash over the table", "crash"),
        ("retro lazer", "laser"),
    ],
)
def test_a_word_of_its_own_is_not_taken_for_a_slip_of_another_sound(
    vocabulary: Vocabulary, prompt: str, noun: str
) -> None:
    assert vocabulary.hear(prompt).noun == noun


def test_what_is_unwanted_is_not_mended(vocabulary: Vocabulary) -> None:
    assert vocabulary.hear("music, clipping, hiss, snaer", correct=False).text == ""
    assert vocabulary.hear("snare", correct=False).text == "snare"


@pytest.mark.parametrize(
    ("prompt", "text", "model_hz", "target_hz"),
    [
        ("glassy bell a4", "glassy bell c5", 523.251, 440.0),
        ("pluck c3", "pluck c3", 130.813, 130.813),
        ("Pad Bb3", "pad c4", 261.626, 233.082),
        ("organ f#4", "organ c4", 261.626, 369.994),
        ("lead g♯5", "lead c6", 1046.502, 830.609),
    ],
)
def test_a_note_is_made_at_the_nearest_c_and_retuned(
    vocabulary: Vocabulary, prompt: str, text: str, model_hz: float, target_hz: float
) -> None:
    heard = vocabulary.hear(prompt)
    assert heard.text == text and not heard.remark
    assert (heard.model_hz, heard.target_hz) == (
        pytest.approx(model_hz, abs=0.001),
        pytest.approx(target_hz, abs=0.001),
    )
    assert heard.words.split()[-1] == prompt.lower().replace("♯", "#").split()[-1]


@pytest.mark.parametrize(
    ("prompt", "why"),
    [
        ("snare c3", "snare cannot be tuned"),
        ("bass c2", "bass cannot be tuned"),
        ("pluck c9", "too far for pluck"),
        ("c3", "cannot be tuned"),
        ("bell c-1", "too far"),
    ],
)
def test_a_note_that_cannot_be_followed_is_left_out_with_a_sentence(
    vocabulary: Vocabulary, prompt: str, why: str
) -> None:
    heard = vocabulary.hear(prompt)
    assert why in heard.remark and heard.target_hz == 0.0 and "c3" not in heard.text


@pytest.mark.parametrize("typed", ["snaer", "snre", "snarre", "snarw", "snares"])
def test_one_slip_is_mended(typed: str) -> None:
    assert is_typo("snare", typed)


@pytest.mark.parametrize("typed", ["snare", "sane", "sn", "", "snareeee", "bnarw"])
def test_what_is_right_or_too_far_off_is_no_slip(typed: str) -> None:
    assert not is_typo("snare", typed)


def test_note_names_are_midi_numbers() -> None:
    assert [midi_of(note) for note in ("c4", "a4", "bb3", "cs2", "e0")] == [60, 69, 58, 37, 16]
    assert all(midi_of(name_of(midi)) == midi for midi in range(128))
    for wrong in ("h2", "c", "4", "", "c10", "c##4", "cb-1", "g#9"):
        with pytest.raises(ValueError, match="not a note|out of range"):
            midi_of(wrong)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"nouns": 1, "words": [], "octaves": {}}', "\0", "[" * 5_000, *WRONG]
)
def test_a_damaged_word_list_is_refused_and_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "heard.json").write_text(content)
    with pytest.raises(NoModel, match="heard.json"):
        Vocabulary.read(tmp_path)


def test_a_checkpoint_without_a_word_list_understands_free_text(tmp_path: Path) -> None:
    assert Vocabulary.read(tmp_path) is None


def test_any_text_gives_only_known_words(vocabulary: Vocabulary) -> None:
    known = json.loads((STARTER_FOLDER / "heard.json").read_text())
    singles = {word for phrase in (*known["nouns"], *known["words"]) for word in phrase.split()}
    rng = random.Random(5)
    some = [*known["nouns"], *known["words"], "a#4", "c-1", "#", ",", "not", "with", "zzz", "808", "\x07", "é", "snaer"]
    heard = 0
    for _ in range(300):
        text = " ".join(rng.choice(some) for _ in range(rng.randint(0, 12))) + "".join(
            rng.choices(string.printable, k=9)
        )
        for word in vocabulary.hear(text).text.split():
            heard += 1
            assert word in singles or re.fullmatch(r"c\d", word)
    assert heard > 500
    # The longest prompt, all of it words that are nearly known: it must not hold the engine up.
    assert vocabulary.hear(" ".join(f"s{letter}nare" for letter in string.ascii_lowercase * 22)[:4_000]).words
