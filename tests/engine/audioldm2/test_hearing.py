"""The words of a prompt that a small checkpoint knows."""

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
    {"steady": 3},
    {"steady": [1]},
    {"partials": {"bell": ["x"]}},
    {"partials": {"bell": [float("nan")]}},
    {"partials": {"bell": 2.0}},
    {"rhythms": {"bell": [90]}},
    {"rhythms": {"bell": ["x", "y"]}},
    {"reach": {"bell": [1e9, 0]}},
    {"reach": 4},
    {"plays": {"bell": "h9"}},
    {"plays": {"bell": 4}},
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
def test_known_words_are_heard_among_any_others(vocabulary: Vocabulary, prompt: str, words: str) -> None:
    assert sorted(vocabulary.hear(prompt).words.split()) == sorted(words.split())
    assert vocabulary.hear(prompt).text == vocabulary.hear(prompt).words


@pytest.mark.parametrize(
    "prompt", ["", "train", "brass", "piano", "    ", "🥁", "東京", "\0\n", "a an the", "Low quality, average quality."]
)
def test_a_prompt_without_known_words_is_empty(vocabulary: Vocabulary, prompt: str) -> None:
    assert vocabulary.hear(prompt) == Heard("", "")


def test_the_last_of_two_nouns_names_the_sound_and_the_first_describes_it(vocabulary: Vocabulary) -> None:
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
def test_another_word_is_not_taken_for_a_typo_of_a_sound(vocabulary: Vocabulary, prompt: str, noun: str) -> None:
    assert vocabulary.hear(prompt).noun == noun


def test_typos_in_a_negative_prompt_are_not_corrected(vocabulary: Vocabulary) -> None:
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
def test_an_impossible_note_is_left_out_with_a_sentence(vocabulary: Vocabulary, prompt: str, why: str) -> None:
    heard = vocabulary.hear(prompt)
    assert why in heard.remark and heard.target_hz == 0.0 and "c3" not in heard.text


@pytest.mark.parametrize("typed", ["snaer", "snre", "snarre", "snarw", "snares"])
def test_one_wrong_letter_is_a_typo(typed: str) -> None:
    assert is_typo("snare", typed)


@pytest.mark.parametrize("typed", ["snare", "sane", "sn", "", "snareeee", "bnarw"])
def test_a_correct_or_very_different_word_is_not_a_typo(typed: str) -> None:
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
    count = 0
    for _ in range(300):
        text = " ".join(rng.choice(some) for _ in range(rng.randint(0, 12))) + "".join(
            rng.choices(string.printable, k=9)
        )
        for word in vocabulary.hear(text).text.split():
            count += 1
            assert word in singles or re.fullmatch(r"c\d", word)
    assert count > 500
    # The longest prompt, with only nearly known words, must not take long.
    assert vocabulary.hear(" ".join(f"s{letter}nare" for letter in string.ascii_lowercase * 22)[:4_000]).words


def test_a_low_tone_plays_its_usual_note_unless_another_is_asked_for_and_reaches_far_down() -> None:
    low = Vocabulary({"bass": "bass"}, [], {"bass": [3]}, reach={"bass": (-24, 12)}, plays={"bass": "c2"})
    usual, asked, far = low.hear("bass"), low.hear("bass e1"), low.hear("bass c6")
    assert (usual.text, usual.words, usual.note) == ("bass c3", "bass", "")
    assert usual.model_hz / usual.target_hz == pytest.approx(2)
    assert (asked.text, asked.words, asked.note) == ("bass c3", "bass e1", "e1")
    assert asked.target_hz == pytest.approx(41.2034, abs=1e-3)
    assert "too far" in far.remark and not far.target_hz


def test_a_stab_without_a_chord_is_major_and_a_pad_without_one_is_a_single_tone() -> None:
    partials = {"stab major": (1, 1.26, 1.5), "stab minor": (1, 1.19, 1.5), "pad": (1, 2), "pad minor": (1, 1.19)}
    chords = Vocabulary(
        {"stab": "stab", "pad": "pad"}, ["minor", "major"], {"stab": [3], "pad": [3]}, partials=partials
    )
    assert chords.hear("stab c3").text == "stab major c3" and chords.hear("stab c3").partials == (1, 1.26, 1.5)
    assert chords.hear("minor stab c3").text == "minor stab c3" and chords.hear("minor stab c3").partials == (
        1,
        1.19,
        1.5,
    )
    assert chords.hear("pad c3").partials == (1, 2) and chords.hear("pad minor c3").partials == (1, 1.19)


def test_a_rhythm_says_between_which_tempi_it_is_usual() -> None:
    rhythms = Vocabulary({"house loop": "house_loop", "kick": "kick"}, [], {}, rhythms={"house_loop": (118, 128)})
    assert rhythms.hear("house loop").usual_bpm == (118, 128)
    assert rhythms.hear("kick").usual_bpm is None
