"""Keys: their names, measuring the root of a clip, and retuning to another key."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.audio.key import MIN_ROOT_CONFIDENCE, measure, retune
from bridge.domain.musical_keys import Key, key_of
from bridge.domain.notes import NAMES, frequency_of
from tests.rhythms import RATE, chord, hit, rhythm, starter, tone


@pytest.mark.parametrize(
    ("text", "root", "mode"),
    [
        ("c", 0, ""), ("C", 0, ""), ("f#m", 6, "minor"), ("eb minor", 3, "minor"), ("Bb", 10, ""), ("b", 11, ""),
        ("bm", 11, "minor"), ("bb", 10, ""), ("Am", 9, "minor"), ("CM", 0, "major"), ("c maj", 0, "major"), ("G Major", 7, "major"),
        ("fs min", 6, "minor"), ("F sharp minor", 6, "minor"), ("A-flat major", 8, "major"), ("cb", 11, ""), ("e#", 5, ""),
        ("D♭", 1, ""), (" F♯ MINOR ", 6, "minor"),
    ],
)  # fmt: skip
def test_keys_are_read_as_musicians_write_them(text: str, root: int, mode: str) -> None:
    assert key_of(text) == Key(root, mode)
    assert key_of(key_of(text).name).root == root and key_of(key_of(text).words).root == root


@pytest.mark.parametrize(
    "text", ["", "h", "c4", "mm", "c##", "c major minor", "🎵", "c" * 10_000, "c\n\nm\x00", "minor"]
)
def test_a_text_that_names_no_key_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="is not a key; write it like"):
        key_of(text)


def test_keys_are_spelled_as_they_mostly_are() -> None:
    assert [key_of(name).name for name in ("d#m", "a#", "f#m", "G flat")] == ["ebm", "bb", "f#m", "f#"]
    assert key_of("d#m").words == "Eb minor" and key_of("c").words == "C"


def off_cents(measured: float, expected: float) -> float:
    return 100 * ((measured - expected + 6) % 12 - 6)


@pytest.mark.parametrize("root", range(12))
def test_the_root_of_a_tone_is_found_to_a_few_cents_in_all_octaves(root: int) -> None:
    for octave, partials, detune in ((2, 12, 0.0), (3, 8, 0.31), (4, 1, -0.2), (5, 3, 0.45), (6, 2, 0.1)):
        measured = measure(tone(frequency_of(12 * (octave + 1) + root + detune), 1.5, partials))
        assert measured.confidence > MIN_ROOT_CONFIDENCE and abs(off_cents(measured.pitch, root + detune)) < 5, (
            octave,
            measured,
        )


@pytest.mark.parametrize("semitones", [(0, 7), (0, 4, 7), (0, 3, 7), (0, 7, 12), (-12, 0, 4, 7)])
@pytest.mark.parametrize("root", range(12))
def test_the_root_of_a_chord_is_found(root: int, semitones: tuple[int, ...]) -> None:
    measured = measure(chord(frequency_of(60 + root), semitones, 2.0))
    assert measured.confidence > MIN_ROOT_CONFIDENCE and abs(off_cents(measured.pitch, root)) < 20


@pytest.mark.parametrize(
    ("name", "octave"),
    [("pad", 3), ("pluck", 3), ("organ", 4), ("bell", 4), ("mallet", 4), ("lead", 4), ("string", 3), ("bass", 2), ("sub", 2)],
)  # fmt: skip
def test_the_root_of_an_instrument_is_found(name: str, octave: int) -> None:
    for root in (0, 3, 7, 10):
        measured = measure(starter(name, root, octave))
        assert measured.confidence > MIN_ROOT_CONFIDENCE and abs(off_cents(measured.pitch, root)) < 30, measured


def rests() -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 0.2, (2 * RATE, 1)).astype(np.float32)
    hats = np.tile(hit("closed_hat")[:12_000], 8)[:, None]
    return [noise, noise[:4_800], np.zeros((RATE, 1), np.float32), np.zeros((4_800, 2), np.float32), hats]


@pytest.mark.parametrize("number", range(5))
def test_what_has_no_root_is_left_as_it_is_and_says_so(number: int) -> None:
    sound = rests()[number]
    result = retune(sound, key_of("c"), keep_length=False)
    assert (
        result.remark
        and result.cents == 0.0
        and result.confidence < MIN_ROOT_CONFIDENCE
        and np.array_equal(result.samples, sound)
    )


@pytest.mark.parametrize("target", ["c", "f#m", "Bb"])
@pytest.mark.parametrize("root", range(12))
def test_a_one_shot_is_brought_to_the_key_by_the_nearest_way(root: int, target: str) -> None:
    key = key_of(target)
    result = retune(tone(frequency_of(60 + root + 0.2), 1.5), key, keep_length=False)
    assert result.root == NAMES[root] and abs(result.cents) <= 600 and result.remark == ""
    assert abs(off_cents(measure(result.samples).pitch, key.root)) < 5
    assert len(result.samples) == pytest.approx(1.5 * RATE * 2 ** (-result.cents / 1200), rel=1e-3)


@pytest.mark.parametrize("loop", [False, True])
@pytest.mark.parametrize("root", [1, 5, 8])
def test_a_loop_is_brought_to_the_key_at_its_length(root: int, loop: bool) -> None:
    sound = chord(frequency_of(48 + root), (0, 3, 7), 2.0)
    result = retune(sound, key_of("c minor"), keep_length=True, loop=loop)
    assert result.samples.shape == sound.shape
    assert abs(off_cents(measure(result.samples).pitch, 0)) < 10


def test_what_is_in_key_already_is_not_touched() -> None:
    sound = tone(frequency_of(62), 1.0)
    result = retune(sound, key_of("d"), keep_length=True)
    assert result.samples is sound and result.cents == 0.0 and result.remark == ""


def test_short_long_and_stereo_clips_have_roots_too() -> None:
    assert measure(tone(440, 0.1)).name == "a" and measure(tone(440, 60)).name == "a"
    both = np.concatenate([tone(440, 1.0), -tone(440, 1.0)], axis=1)
    assert measure(both).name == "a"
    measure(rhythm("rock", 120, 2))  # no exception
