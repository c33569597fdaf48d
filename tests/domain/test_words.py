"""Words of a prompt."""

from __future__ import annotations

import pytest

from bridge.domain.words import length_in, words_in_name


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


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("/music/glassy-bell_c5_s7_1c0a.wav", "glassy bell c5"),
        ("/music/drum-loop_127bpm_1bar_s7_88f2.wav", "drum loop"),
        ("/music/drone_127bpm_0.5bars_s7_88f2-2.wav", "drone"),
        ("/music/rain_crop_s7_88f2.flac", "rain"),
        ("/samples/My Loop_120bpm.wav", "My Loop_120bpm"),  # of another program
    ],
)
def test_a_sound_is_called_by_the_words_in_the_name_of_its_file(name: str, words: str) -> None:
    assert words_in_name(name) == words
