"""A pad that plays one file: at once, after a restart too, and with a sentence if the file is gone."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from bridge.domain.ask import Ask
from bridge.domain.events import PadChanged, PadSet
from bridge.errors import BadArgument, PadEmpty
from bridge.live.pad import Press
from bridge.live.pads import Pads
from tests.live.test_pads import FakeLive, Rig, opened

CLIP = Ask("kick", gate=1, gain=0.5)


def test_a_pad_plays_its_file_at_every_press_and_needs_no_takes() -> None:
    rig = Rig()
    rig.pads.set(7, Ask("snare", 1.0))
    rig.make(2)
    rig.pads.load(7, CLIP, "/clips/kick.wav")
    assert list(rig.live.held.values()) == ["/clips/kick.wav"], "the takes are dropped"
    assert rig.state == ("ready", 1, 0) and not rig.pads.need_takes() and rig.pads.next_request() is None
    assert rig.press(3) == ["/clips/kick.wav"] * 3
    assert "/clips/kick.wav" not in rig.live.removed, "the file is the user's"
    setting = [event for event in rig.events if isinstance(event, PadSet)][-1]
    assert setting.facts() == {
        "pad": 7,
        "prompt": "kick",
        "locked": 0,
        "gain": 0.5,
        "gate": 1,
        "file": "/clips/kick.wav",
    }
    with pytest.raises(BadArgument, match=r"plays a file, which is there already: /clips/kick\.wav"):
        rig.pads.save(7, Press(None))


def test_words_take_the_place_of_a_file_and_a_clear_leaves_nothing() -> None:
    rig = Rig()
    rig.pads.load(7, CLIP, "/clips/kick.wav")
    rig.pads.set(7, Ask("snare", 1.0))
    assert rig.live.held == {} and rig.state == ("filling", 0, 0)
    rig.make()
    assert rig.press() == ["snare 2"]
    rig.pads.load(7, CLIP, "/clips/kick.wav")
    rig.pads.clear(7)
    assert rig.live.held == {} and rig.pads.states() == [] and "/clips/kick.wav" not in rig.live.removed


def test_a_file_that_is_gone_is_said_and_looked_for_at_the_next_press() -> None:
    rig = Rig()
    rig.pads.load(7, CLIP, "/clips/kick.wav")
    ((slot, _),) = rig.live.held.items()
    rig.pads.on_held(slot, "kick.wav is gone.")
    assert rig.published == ("filling", 0, 0, "kick.wav is gone.")
    rig.live.held.clear()
    with pytest.raises(PadEmpty, match=r"Pad 7 cannot play its file: kick\.wav is gone\."):
        rig.press()
    assert rig.live.held == {slot: "/clips/kick.wav"}
    rig.pads.on_held(slot, "")
    assert rig.published == ("ready", 1, 0, "") and rig.press() == ["/clips/kick.wav"]
    count = sum(isinstance(event, PadChanged) for event in rig.events)
    rig.pads.on_held(99, "of a pad that was cleared")
    assert sum(isinstance(event, PadChanged) for event in rig.events) == count


def test_a_looped_file_is_replaced_by_the_next_press() -> None:
    rig = Rig()
    rig.live.sounding = True
    rig.pads.load(7, Ask("rain", loop=1), "/clips/rain.wav")
    rig.press(2, quantize="bar")
    assert [voice for voice, _ in rig.live.stopped] == [1]


def test_files_of_pads_survive_a_restart_and_are_loaded_when_the_engine_is_idle(tmp_path: Path) -> None:
    file, live = tmp_path / "pads.json", FakeLive()
    pads = Pads(live, lambda event: None, lambda: None, file)  # type: ignore[arg-type]
    pads.load(7, CLIP, "/clips/50% wet & röhre (take #2).wav")
    pads.lock(7, True)
    for thread in threading.enumerate():
        if thread.name == "keep pads":
            thread.join(5)
    live = FakeLive()
    again = Pads(live, lambda event: None, lambda: None, file)  # type: ignore[arg-type]
    assert again.states() == [(7, "ready", 1.0, 1, 0, "")] and not live.held
    assert again.next_request() is None
    assert list(live.held.values()) == ["/clips/50% wet & röhre (take #2).wav"]
    live.held.clear()
    again.reload()
    assert len(live.held) == 1


@pytest.mark.parametrize("value", ["3", "[1]", '"a\\u0000b"', '"' + "x" * 5_000 + '"', "true"])
def test_a_file_that_is_no_path_is_skipped_with_its_pad(tmp_path: Path, value: str) -> None:
    file = tmp_path / "pads.json"
    pads = '{"1": {"ask": {"text": "a"}, "locked": false, "file": VALUE}, "2": {"ask": {"text": "b"}, "locked": false}}'
    file.write_text(pads.replace("VALUE", value))
    assert [number for number, *_ in opened(file).states()] == [2] and file.with_suffix(".bad").exists()
