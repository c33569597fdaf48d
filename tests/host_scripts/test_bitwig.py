"""Bitwig's controller script with a stand-in for Bitwig's API and a real daemon: words become a clip in the launcher."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile

from bridge.domain import recipe
from bridge.files.tags import recipe_in
from tests.harness import Client, Daemon, free_port, need

SCRIPT = Path(__file__).parents[2] / "host_scripts" / "bitwig" / "Clipbridge.control.js"
STUB = Path(__file__).parent / "stub_bitwig.js"
TRACKS = [{"name": "Drums", "type": "Audio", "full": [0]}, {"name": "Keys", "type": "Instrument"}]


@pytest.fixture
def bitwig(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    def run(port: int, *steps: dict[str, Any], **scenario: Any) -> dict[str, Any]:
        """The result of these steps of the user."""
        scenario = {
            "port": port, "answer_port": free_port(), "tracks": TRACKS, "selected": 0, "tempo": 300, "signature": [4, 4],
            "steps": steps, **scenario,
        }  # fmt: skip
        (tmp_path / "scenario.json").write_text(json.dumps(scenario), "utf-8")
        program = [need("node"), str(STUB), str(SCRIPT), str(tmp_path / "scenario.json")]
        run = subprocess.run(program, capture_output=True, text=True, timeout=100, check=False)
        assert run.returncode == 0, run.stderr
        result = json.loads(run.stdout)
        assert result["errors"] == [] and all(clip["whole"] for clip in result["inserted"])
        return result

    return run


MAKE = {"press": "Make"}


def test_the_selected_tracks_next_empty_slot_gets_a_clip_in_bars(bitwig: Any, daemon: Daemon) -> None:
    words = 'kick "deep" & Müller'
    asked = {"set": {"sound": words, "length": "0,5 bars", "preset": "drum"}}
    result = bitwig(daemon.port, asked, MAKE, {"until": "slot 2"}, signature=[6, 8])
    (clip,) = result["inserted"]
    assert (clip["track"], clip["slot"]) == ("Drums", 1) and Path(clip["path"]).is_relative_to(daemon.folder / "drums")
    with soundfile.SoundFile(clip["path"]) as file:
        assert file.frames == 14_400 and file.title == words  # one and a half quarters at 300 BPM: 0.3 s


def test_takes_and_asks_at_once_fill_the_slots_downwards(bitwig: Any, daemon: Daemon) -> None:
    steps = [
        {"set": {"length": "0.2 s", "takes": "2"}},
        MAKE,
        {"set": {"takes": "1"}},
        MAKE,
        {"until": " is in ", "count": 3},
    ]
    result = bitwig(daemon.port, *steps)
    assert sorted(clip["slot"] for clip in result["inserted"]) == [1, 2, 3]
    assert len({clip["path"] for clip in result["inserted"]}) == 3


def test_the_last_clip_is_varied_with_words_or_without(bitwig: Any, daemon: Daemon) -> None:
    steps = [
        {"set": {"sound": "glassy bell", "length": "0.3 s", "takes": "1"}}, MAKE, {"until": "slot 2"},
        {"set": {"sound": "", "vary": "0,4"}}, MAKE, {"until": "a variation is in Drums, slot 3"},
        {"set": {"sound": "deep kick", "preset": "drum", "vary": "1"}}, MAKE, {"until": "slot 4"},
        {"set": {"vary": "2"}}, MAKE, {"set": {"vary": "much"}}, MAKE,
    ]  # fmt: skip
    result = bitwig(daemon.port, *steps)
    first, *others = [Path(clip["path"]) for clip in result["inserted"]]
    assert [soundfile.info(path).frames for path in (first, *others)] == [14_400] * 3
    sources = [recipe.read(recipe_in(path)).prompt.source for path in others]
    assert [source.strength for source in sources if source is not None] == [0.4, 1]
    assert [source.path for source in sources if source is not None] == [str(first), str(others[0])]
    assert sum("is no strength" in popup for popup in result["popups"]) == 2


def test_without_a_length_the_preset_decides_it(bitwig: Any, daemon: Daemon) -> None:
    result = bitwig(daemon.port, {"set": {"length": "", "preset": "drum"}}, MAKE, {"until": "slot 2"})
    (clip,) = result["inserted"]
    assert soundfile.info(clip["path"]).duration < 4  # as it is without a preset


def test_errors_are_shown(bitwig: Any, daemon: Daemon) -> None:
    steps = [
        {"set": {"length": "long"}}, MAKE, {"set": {"length": "4000"}}, MAKE, {"until": "150"},
        {"set": {"sound": " "}}, MAKE, {"press": "Cancel"},
    ]  # fmt: skip
    popups = "\n".join(bitwig(daemon.port, *steps)["popups"])
    for words in (
        "'long' is not understood",
        "seconds must be 0.1 to 150",
        "write into Sound",
        "nothing is being made",
    ):
        assert words in popups
    assert "Keys takes no audio" in bitwig(daemon.port, MAKE, selected=1)["popups"][0]
    assert "select an audio track" in bitwig(daemon.port, MAKE, selected=9)["popups"][0]


def test_no_clip_is_lost_if_the_track_is_gone_or_all_slots_are_full_or_bitwig_refuses(
    bitwig: Any, daemon: Daemon
) -> None:
    short = {"set": {"length": "0.2"}}
    gone = bitwig(daemon.port, short, MAKE, {"rename": [0, "Other"]}, {"until": "the track is gone"})
    full = bitwig(daemon.port, short, MAKE, {"until": "are full"}, scenes=1)
    refused = bitwig(daemon.port, short, MAKE, {"until": "did not take"}, refuses=True)
    for result in (gone, full, refused):
        assert soundfile.info(result["popups"][-1].split("is here: ")[-1].split("It is here: ")[-1]).frames == 9_600


@pytest.mark.parametrize("way", ["the button", "Bitwig ends"])
def test_stopping_cancels_unfinished_jobs(bitwig: Any, daemon: Daemon, client: Client, way: str) -> None:
    client.ask("/bridge/subscribe")
    steps = [{"set": {"length": "30"}}, MAKE, {"wait": 500}]
    if way == "the button":
        steps += [{"press": "Cancel"}, {"until": "is cancelled"}]
    result = bitwig(daemon.port, *steps)
    assert client.until("/bridge/cancelled") and result["inserted"] == []
    client.send("/bridge/unsubscribe")


def test_without_a_daemon_it_says_how_to_start_one(bitwig: Any) -> None:
    port = free_port()
    result = bitwig(port, MAKE, {"until": "does not answer"})
    assert f"on port {port}: start it with: clipbridge run" in result["popups"][-1]
    assert result["sent"] == 2  # asked twice: one could have been lost
