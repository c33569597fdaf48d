"""Words from the names of files and folders, and the versions of one sound."""

from __future__ import annotations

import pytest

from bridge.learn.held_out import SHARE, held_out
from bridge.learn.words import MOST_WORDS, sound_of, words_of_file, written_words


@pytest.mark.parametrize(
    ("path", "root", "words"),
    [
        ("bassdrum_acoustic01.ogg", "drums", "bassdrum kick acoustic drums"),
        ("24Ride-1.wav", "GMRockKit", "ride gm rock kit"),
        ("HatSemiOpen.flac", "kit", "hat semi open kit"),
        ("GMRockKit/Snare-Softest.wav", "hydrogen", "snare gm rock kit hydrogen"),
        ("BD0010.WAV", "TR-808", "bd kick tr 808"),
        ("kick909.wav", "a", "kick 909"),
        ("Drums/Loops/Funky_Break_120bpm.wav", "samples", "funky break loops drums"),
        ("Snare.wav", "Snare", "snare"),
        ("glassy-bell_s42_7f3a.wav", "Clips", "glassy bell clips"),
        ("дождь.wav", "Ливень", "dozhd liven"),
        ("01.wav", "02", ""),
        ("---.wav", "!!", ""),
    ],
)
def test_names_are_split_into_words(path: str, root: str, words: str) -> None:
    assert " ".join(words_of_file(path, root)) == words


def test_a_long_name_gives_few_words() -> None:
    assert (
        len(words_of_file(f"{' '.join(f'w{letter}ord' for letter in 'abcdefghijklm')}.wav", "x" * 3_000)) <= MOST_WORDS
    )


def test_what_somebody_wrote_is_taken_as_it_is() -> None:
    assert written_words("A dusty snare, take 2;\n\tdusty") == ("a", "dusty", "snare", "take", "2")
    assert written_words("\0\0") == () and len(written_words("word " * 10_000)) == 1


def test_versions_of_one_sound_are_one_sound_and_numbered_sounds_are_not() -> None:
    layers = {sound_of(f"kit/Snare-{name}.wav") for name in ("Softest", "Soft", "Medium", "Hard", "Hardest")}
    assert len(layers) == 1
    assert sound_of("a/kick_L.wav") == sound_of("a/kick_R.wav") == sound_of("a/kick vel3.wav")
    assert len({sound_of("a/kick01.wav"), sound_of("a/kick02.wav"), sound_of("b/kick01.wav")}) == 3


def test_a_tenth_is_held_out_whole_sounds_only_and_always_the_same() -> None:
    files = [f"kit/Tom {number}-{layer}.wav" for number in range(30) for layer in ("Soft", "Medium", "Hard")]
    out = held_out(files)
    assert out == held_out(list(reversed(files))) and SHARE * 90 <= len(out) <= SHARE * 90 + 3
    assert {sound_of(file) for file in out}.isdisjoint(sound_of(file) for file in files if file not in out)


@pytest.mark.parametrize("count", [2, 5, 20, 300])
def test_something_is_held_out_of_any_folder_and_never_much(count: int) -> None:
    apart = [f"kick{number}.wav" for number in range(count)]
    layers = [f"kick_vel{number}.wav" for number in range(count)]  # all one sound
    for files in (apart, layers):
        assert 1 <= len(held_out(files)) <= max(1, count // 3)


def test_of_one_file_nothing_is_held_out() -> None:
    assert held_out(["kick.wav"]) == held_out([]) == frozenset()
