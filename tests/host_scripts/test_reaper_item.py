"""REAPER's second action, which starts from the selected item: what it asks for, and what the track plays afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.harness import Daemon
from tests.host_scripts.answering import RATE, Answering, answering, noise
from tests.host_scripts.reaper import SCRIPT, Reaper, items

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the stand-in starts programs as POSIX does")

ACTION = SCRIPT.with_name("Clipbridge item.lua")
ODD_NAME = 'O\'Brien & "Söhne" \\ 100% \U0001f941  $(id).wav'


def fields(how: str, prompt: str = "", length: str = "", preset: str = "", takes: str = "1", seed: str = "") -> str:
    return "\n".join([how, prompt, length, preset, takes, seed])


@pytest.fixture
def stand_in() -> Iterator[Answering]:
    with answering() as stand_in:
        yield stand_in


@pytest.fixture
def reaper(stand_in: Answering, home: Path, tmp_path: Path) -> Reaper:
    return Reaper(tmp_path, home, stand_in.port)


def run(reaper: Reaper, how: str, file: Path, seconds: float = 2.0, **scenario: Any) -> dict[str, Any]:
    """The result of the action, by default with an item at 10 s that shows the whole file."""
    item = {"file": str(file), "seconds": seconds, "name": "my kick"} | scenario.pop("item", {})
    item["item"] = {"D_POSITION": 10.0} | item.get("item", {})
    return reaper.run(how, script=ACTION, items=[item], **scenario)


def heard(result: dict[str, Any], begin_s: float, seconds: float) -> np.ndarray[Any, Any]:
    """What REAPER plays of the first track: the active take of each item, with linear fades."""
    out = np.zeros(round(seconds * RATE))
    for item in items(result):
        take = item["takes"][item["active"] - 1]
        samples, rate = soundfile.read(take["source"]["path"], dtype="float64", always_2d=True)
        assert rate == RATE and take["D_PLAYRATE"] == 1
        length, start = round(item["D_LENGTH"] * RATE), round(take["D_STARTOFFS"] * RATE)
        part = np.zeros(length)
        from_file = samples[max(0, start) : max(0, start + length), 0]
        part[max(0, -start) : max(0, -start) + len(from_file)] = from_file
        place = np.arange(length) / RATE
        for fade_s, left_s in ((item["D_FADEINLEN"], place), (item["D_FADEOUTLEN"], (length / RATE) - place)):
            part *= np.clip(left_s / fade_s, 0, 1) if fade_s else 1
        at = round((item["D_POSITION"] - begin_s) * RATE)
        assert at >= 0 and at + length <= len(out)
        out[at : at + length] += part * item["D_VOL"] * take["D_VOL"]
    return out


def test_vary_asks_with_the_file_of_the_item_and_adds_takes_to_it(
    reaper: Reaper, stand_in: Answering, tmp_path: Path
) -> None:
    file, clips = tmp_path / ODD_NAME, [tmp_path / f"{number}.wav" for number in range(2)]
    noise(file, 2.0), noise(clips[0], 2.0, 2), noise(clips[1], 2.0, 3)
    stand_in.make = lambda _ask: clips
    quiet = {"item": {"D_VOL": 0.5}, "take": {"D_VOL": 0.25, "D_PAN": -0.5}, "notes": "from the archive"}
    result = run(reaper, fields("vary 0,3", takes="2", seed="9"), file, item=quiet)
    assert result["messages"] == [] and result["undo"] == ["Clipbridge: my kick (vary)"]
    (ask,) = stand_in.asked
    assert (ask.vary, ask.strength, ask.text, ask.takes, ask.seed) == (str(file), 0.3, "", 2, 9)
    assert (ask.from_, ask.to, ask.seconds) == (None, None, None)
    (item,) = items(result)
    assert item["selected"] and item["D_LENGTH"] == 2 and item["active"] == 2
    assert item["notes"].startswith("from the archive\n\nmy kick (vary)\nseed 5")
    old, *new = item["takes"]
    assert old["source"]["path"] == str(file)
    assert [take["source"]["path"] for take in new] == [str(clip) for clip in clips]
    assert {(take["D_VOL"], take["D_PAN"], take["D_STARTOFFS"]) for take in new} == {(0.25, -0.5, 0)}
    assert {take["name"] for take in new} == {"my kick (vary)"} and reaper.left() == []


def test_an_item_that_shows_a_part_of_its_file_uses_that_part_and_the_new_take_is_in_its_place(
    reaper: Reaper, stand_in: Answering, tmp_path: Path
) -> None:
    file, clip = tmp_path / "long.wav", tmp_path / "clip.wav"
    noise(file, 9.0)
    samples = noise(clip, 1.5, 2)
    stand_in.make = lambda _ask: [clip]
    result = run(
        reaper, fields("vary", "distorted kick"), file, 9.0, item={"length": 1.5, "take": {"D_STARTOFFS": 3.25}}
    )
    (ask,) = stand_in.asked
    assert (ask.from_, ask.to, ask.strength, ask.text) == (3.25, 4.75, None, "distorted kick")
    assert np.abs(heard(result, 10.0, 1.5)[480:-480] - samples[480:-480]).max() < 1e-6
    # It begins before its file, and goes on after it: the silences are not of the source.
    shown = {"length": 3.0, "take": {"D_STARTOFFS": -0.5}, "item": {"B_LOOPSRC": 0}}
    result = run(reaper, fields("vary 0.5"), file, 2.0, item=shown)
    assert (stand_in.asked[1].from_, stand_in.asked[1].to) == (None, None)
    played = heard(result, 10.0, 3.0)
    assert not played[:23_999].any() and np.abs(played[24_000:96_000] - samples).max() < 1e-6


def test_fill_makes_the_time_selection_within_the_item_again(
    reaper: Reaper, stand_in: Answering, tmp_path: Path
) -> None:
    file, clip = tmp_path / "long.wav", tmp_path / "clip.wav"
    noise(file, 6.0)
    samples = noise(clip, 6.0, 2)
    stand_in.make = lambda _ask: [clip]
    shown = {"length": 3.0, "take": {"D_STARTOFFS": 2.0}}
    result = run(reaper, fields("fill"), file, 6.0, item=shown, selection=[11.0, 11.6])
    (ask,) = stand_in.asked
    assert (ask.fill, ask.from_, ask.to, ask.seconds) == (str(file), 3.0, pytest.approx(3.6), None)
    assert np.abs(heard(result, 10.0, 3.0)[480:-480] - samples[96_480:239_520]).max() < 1e-6
    for selection, words in (([0, 0], "select its time"), ([9.9, 10.5], "within"), ([12.5, 13.5], "within")):
        result = run(reaper, fields("fill"), file, 6.0, item=shown, selection=selection)
        assert words in result["messages"][0] and len(stand_in.asked) == 1


def continued(tmp_path: Path, source: np.ndarray[Any, Any], seconds: float) -> tuple[Path, np.ndarray[Any, Any]]:
    """A clip as Clipbridge makes it: the samples of the source but for its last 30 ms, then others."""
    clip = tmp_path / "continued.wav"
    samples = noise(clip, seconds, 7)
    kept = len(source) - min(round(0.03 * RATE), len(source) // 2)
    samples[:kept] = source[:kept]
    soundfile.write(clip, samples, RATE, subtype="PCM_24")
    return clip, samples


@pytest.mark.parametrize("shown_s", [2.0, 0.07], ids=["long", "very short"])
def test_continue_puts_an_item_behind_and_the_track_plays_the_source_and_then_the_new_sound(
    reaper: Reaper, stand_in: Answering, tmp_path: Path, shown_s: float
) -> None:
    file = tmp_path / "source.wav"
    source = noise(file, 4.0)[48_000 : 48_000 + round(shown_s * RATE)]
    clip, samples = continued(tmp_path, source, shown_s + 1.0)
    stand_in.make = lambda _ask: [clip]
    shown = {
        "length": shown_s,
        "take": {"D_STARTOFFS": 1.0, "D_VOL": 0.5},
        "item": {"D_FADEOUTLEN": 0.5, "D_FADEINLEN": 0.0},
    }
    result = run(reaper, fields("continue", length="0.5b"), file, 4.0, item=shown)
    (ask,) = stand_in.asked
    assert (ask.continue_, ask.from_, ask.to, ask.more) == (str(file), 1.0, 1.0 + shown_s, 1.0)
    assert len(items(result)) == 2 and len(result["undo"]) == 1 and items(result)[1]["selected"]
    assert np.abs(heard(result, 10.0, shown_s + 1.0)[:-480] - samples[:-480] / 2).max() < 1e-6  # no seam


def test_continue_adds_as_much_as_the_item_has_unless_a_length_is_set(
    reaper: Reaper, stand_in: Answering, tmp_path: Path
) -> None:
    file = tmp_path / "source.wav"
    noise(file, 2.0)
    for length, more in (("", 2.0), ("1,5", 1.5), ("2 bars", 1.5)):
        # The item ends in the second of its measures: bars are counted from there.
        run(
            reaper,
            fields("continue", length=length),
            file,
            item={"item": {"D_POSITION": 0.0}},
            measures=[[4, 0.5], [3, 0.25]],
        )
        assert stand_in.asked[-1].more == pytest.approx(more)


def test_what_a_take_does_to_its_file_is_refused_with_what_to_do(
    reaper: Reaper, stand_in: Answering, tmp_path: Path
) -> None:
    file = tmp_path / "source.wav"
    noise(file, 2.0)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"take": {"D_PLAYRATE": 1.5}}, "1.5 times its speed"),
        ({"take": {"D_PITCH": -2}}, "pitch"),
        ({"take": {"I_CHANMODE": 3}}, "channels"),
        ({"stretched": True}, "stretch markers"),
        ({"section": "reversed"}, "reversed"),
        ({"section": "part"}, "section"),
        ({"length": 3.0}, "repeats its file"),
        ({"file": ""}, "no audio file"),
    ]
    for item, words in cases:
        result = run(reaper, fields("vary 0.5"), file, item=item)
        (message,) = result["messages"]
        assert words in message and "Glue it first" in message and result["dialogs"] == []
    for item, words in (
        ({"midi": True}, "MIDI"),
        ({"take": {"D_STARTOFFS": 5.0}, "item": {"B_LOOPSRC": 0}}, "nothing of its file"),
        ({"selected": False}, "Select an item"),
    ):
        assert words in run(reaper, fields("vary 0.5"), file, item=item)["messages"][0]
    empty, pair = [{"length": 1.0}], [{"file": str(file), "seconds": 2.0}] * 2
    for chosen, words in ((empty, "is empty"), (pair, "2 items are selected")):
        assert words in reaper.run(fields("vary"), script=ACTION, items=chosen)["messages"][0]
    assert stand_in.asked == []


def test_a_wrong_first_field_is_explained_and_the_dialog_opens_again(
    reaper: Reaper, stand_in: Answering, tmp_path: Path
) -> None:
    file = tmp_path / "source.wav"
    noise(file, 2.0)
    entries = ["vary 1.5", "vary much", "louder", "continue 2", "", "continue"]
    inputs = [fields(entry, length="long" if entry == "continue" else "") for entry in entries]
    item = {"file": str(file), "seconds": 2.0}
    result = reaper.run(*inputs, script=ACTION, items=[item])
    words = ["strength", "strength", "first field", "first field", "first field", "'long' is not understood"]
    assert [word in message for word, message in zip(words, result["messages"], strict=True)] == [True] * 6
    assert stand_in.asked == []


def test_a_file_that_is_refused_shows_why_and_what_to_do(reaper: Reaper, stand_in: Answering, tmp_path: Path) -> None:
    result = run(reaper, fields("vary 0.5"), tmp_path / "subproject.rpp")
    (message,) = result["messages"]
    assert message.startswith("The file is not audio.\n\n") and "Glue items" in message
    assert len(items(result)) == 1 and len(items(result)[0]["takes"]) == 1 and result["undo"] == []


def test_an_item_that_was_moved_or_removed_meanwhile_loses_no_clip(
    reaper: Reaper, stand_in: Answering, tmp_path: Path
) -> None:
    file, clip = tmp_path / "source.wav", tmp_path / "clip.wav"
    source = noise(file, 2.0)
    noise(clip, 2.0, 2)
    stand_in.make = lambda ask: [continued(tmp_path, source, 4.0)[0] if ask.continue_ else clip]
    for how, place in (("vary 0.5", 7.0), ("continue", pytest.approx(7 + 2 - 0.05))):
        moved = items(run(reaper, fields(how), file, meanwhile="move"))
        assert moved[-1]["D_POSITION"] == place
    for how, place in (("vary 0.5", 10.0), ("continue", pytest.approx(10 + 2 - 0.05))):
        (alone,) = items(run(reaper, fields(how), file, meanwhile="delete"))
        assert alone["D_POSITION"] == place and len(alone["takes"]) == 1


def test_the_two_actions_remember_their_own_values(reaper: Reaper, stand_in: Answering, tmp_path: Path) -> None:
    file = tmp_path / "source.wav"
    noise(file, 2.0)
    run(reaper, fields("vary 0.7", "darker kick", seed="3"), file)
    again = reaper.run(script=ACTION, items=[{"file": str(file), "seconds": 2.0}])
    assert again["dialogs"] == [["Clipbridge", fields("vary 0.7", "darker kick")]]
    assert reaper.run(items=[])["dialogs"] == [["Clipbridge", "deep warm kick\n1b\n\n1\n"]]


def test_the_real_daemon_varies_continues_and_fills_an_item(daemon: Daemon, home: Path, tmp_path: Path) -> None:
    reaper = Reaper(tmp_path, home, daemon.port)
    file = tmp_path / ODD_NAME
    place = np.arange(RATE) / RATE
    source = (0.3 * np.sin(2 * np.pi * 220 * place) * np.exp(-2 * place)).astype(np.float32)
    soundfile.write(file, source, RATE, subtype="FLOAT")
    asked: dict[str, Any] = {"file": file, "seconds": 1.0, "selection": [10.4, 10.7]}
    varied = run(reaper, fields("vary 0.5", "glassy bell", seed="1"), **asked)
    assert varied["messages"] == []
    new = items(varied)[0]["takes"][1]
    assert new["source"]["seconds"] == 1 and Path(new["source"]["path"]).is_relative_to(daemon.folder)
    behind = run(reaper, fields("continue", "glassy bell", length="0.5"), **asked)
    assert behind["messages"] == []
    played = heard(behind, 10.0, 1.5)
    assert np.abs(played[480:46_000] - source[480:46_000]).max() < 1e-6 and played[-12_000:].any()
    filled = run(reaper, fields("fill", "glassy bell"), **asked)
    assert filled["messages"] == []
    played = heard(filled, 10.0, 1.0)
    assert np.abs(played[480:19_200] - source[480:19_200]).max() < 1e-6
    assert np.abs(played[33_600:-480] - source[33_600:-480]).max() < 1e-6
    assert not np.array_equal(played[19_200:33_600], source[19_200:33_600])
