"""REAPER's script with a stand-in for REAPER's API, the real command line and a real daemon: words become an item."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile

from tests.harness import Client, Daemon, environment
from tests.host_scripts.reaper import SCRIPT, Reaper, items

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the stand-in starts programs as POSIX does")

HOSTILE = """kick, "deep" & %PATH% $(touch here) `id` ';\\ \U0001f941 Müller | > x"""


def fields(prompt: str, length: str, preset: str = "", takes: str = "1", seed: str = "") -> str:
    return "\n".join([prompt, length, preset, takes, seed])


@pytest.fixture
def reaper(daemon: Daemon, home: Path, tmp_path: Path) -> Reaper:
    return Reaper(tmp_path, home, daemon.port)


def test_any_words_become_one_item_at_the_edit_cursor_and_one_undo_step(reaper: Reaper, daemon: Daemon) -> None:
    result = reaper.run(fields(HOSTILE, "0,3", "drum", seed="7"), tracks=3, selected=2, cursor=12.5)
    assert result["messages"] == [] and result["undo"] == [f"Clipbridge: {HOSTILE}"] and result["actions"] == [40047]
    assert items(result, 0) == items(result, 2) == []
    (item,) = items(result, 1)
    assert item["D_POSITION"] == 12.5 and item["D_LENGTH"] == pytest.approx(0.3) and item["selected"]
    (take,) = item["takes"]
    assert take["name"] == HOSTILE and "seed 7" in item["notes"] and "heard as: " in item["notes"]
    path = Path(take["source"]["path"])
    assert path.is_relative_to(daemon.folder)
    with soundfile.SoundFile(path) as clip:
        assert clip.frames == 14_400 and clip.title == HOSTILE  # every letter of the prompt reached the daemon
    assert reaper.left() == [] and not (reaper.place / "here").exists()
    assert HOSTILE not in "".join(result["commands"]) and len(result["commands"]) == 1


def test_bars_follow_changes_of_tempo_and_signature(reaper: Reaper) -> None:
    # Three beats of 0.1 s, four of 0.05 s, then two of 0.2 s: from beat 1 of bar 1 to beat 1 of bar 3.
    measures = [[3, 0.1], [4, 0.05], [2, 0.2]]
    result = reaper.run(fields("kick", "2b"), selected=1, cursor=0.1, measures=measures)
    (item,) = items(result)
    assert item["D_POSITION"] == 0.1 and item["D_LENGTH"] == pytest.approx(0.2 + 0.2 + 0.2)
    half = reaper.run(fields("kick", "0.5 bars"), selected=1, cursor=0.0, measures=[[4, 0.15]])
    assert items(half)[0]["D_LENGTH"] == pytest.approx(0.3)


def test_a_time_selection_is_filled_on_a_new_track_with_every_take_best_first(reaper: Reaper) -> None:
    result = reaper.run(fields("kick", "sel", takes="2"), tracks=1, selection=[8.0, 8.25], cursor=1.0)
    assert [track["name"] for track in result["tracks"]] == ["Track 1", "Clipbridge"]
    (item,) = items(result, 1)
    assert item["D_POSITION"] == 8.0 and item["D_LENGTH"] == 0.25 and item["active"] == 1
    paths = {take["source"]["path"] for take in item["takes"]}
    assert len(paths) == 2 and all(soundfile.info(path).frames == 12_000 for path in paths)
    assert len(result["undo"]) == 1


def test_a_cancelled_dialog_asks_for_nothing_and_the_last_values_are_remembered(reaper: Reaper) -> None:
    reaper.run(fields("glassy bell", "0.2", "note"), selected=1)
    result = reaper.run()
    assert result["commands"] == result["messages"] == []
    assert result["dialogs"] == [["Clipbridge", fields("glassy bell", "0.2", "note")]]


def test_an_invalid_length_is_explained_and_the_dialog_opens_again(reaper: Reaper) -> None:
    result = reaper.run(fields("kick", "long"), fields("kick", "sel"), fields("", "1"), fields("kick", "-1"))
    assert ["4b are four bars" in message for message in result["messages"]] == [True, False, False, True]
    assert "time selection" in result["messages"][1] and "Some words" in result["messages"][2]
    assert len(result["dialogs"]) == 5 and result["commands"] == []


def test_the_daemons_refusals_are_shown(reaper: Reaper) -> None:
    result = reaper.run(fields("kick", "4000"), selected=1)
    assert len(result["messages"]) == 1 and "150" in result["messages"][0]
    assert items(result) == result["undo"] == reaper.left() == [] and result["window_closed"]


def test_without_a_daemon_reaper_says_how_to_start_one(reaper: Reaper) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        reaper.memory["port"] = str(silent.getsockname()[1])
        result = reaper.run(fields("kick", "1"), selected=1)
    (message,) = result["messages"]
    assert reaper.memory["port"] in message and "clipbridge run" in message
    assert items(result) == reaper.left() == []


@pytest.mark.parametrize("key", [27, -1], ids=["Esc", "the window was closed"])
def test_closing_the_window_cancels_the_job(reaper: Reaper, daemon: Daemon, client: Client, key: int) -> None:
    client.ask("/bridge/subscribe")
    result = reaper.run(fields("endless drone", "60"), selected=1, escape_when="Making it", key=key)
    assert client.until("/bridge/cancelled", timeout_s=60)
    client.send("/bridge/unsubscribe")
    assert result["messages"] == items(result) == result["undo"] == []
    end = time.monotonic() + 10
    while reaper.left() and time.monotonic() < end:
        time.sleep(0.1)
    assert reaper.left() == []


def test_the_window_shows_the_jobs_before_this_one(reaper: Reaper, client: Client) -> None:
    client.send("/bridge/generate", "first", 3.0, "id", 1, "steps", 16)
    client.until("/bridge/progress")
    client.send("/bridge/generate", "second", 0.2, "id", 2, "steps", 2)
    client.until("/bridge/queued", job=2)
    result = reaper.run(fields("kick", "0.2"), selected=1)
    assert any("2 before this one" in text or "1 before this one" in text for text in result["drawn"])
    assert len(items(result)) == 1


def test_no_clip_is_lost_if_the_track_or_the_project_is_gone(reaper: Reaper) -> None:
    result = reaper.run(fields("kick", "0.3"), tracks=1, selected=1, delete_track_when="Esc: cancel")
    assert [track["name"] for track in result["tracks"]] == ["Clipbridge"] and len(items(result)) == 1
    result = reaper.run(fields("kick", "0.3"), tracks=1, selected=1, close_project_when="Esc: cancel")
    (message,) = result["messages"]
    assert soundfile.info(message.split("The sound is here: ")[1]).frames == 14_400 and items(result) == []


def test_the_path_of_the_command_is_asked_for_once(reaper: Reaper) -> None:
    del reaper.memory["command"]
    answer = f'  "{reaper.command}"  '
    result = reaper.run(fields("kick", "0.2"), "/no/such/file", answer, selected=1)
    assert "which clipbridge" in result["messages"][0] and len(items(result)) == 1
    result = reaper.run(fields("kick", "0.2"), selected=1)
    assert len(result["dialogs"]) == 1 and len(items(result)) == 1


def test_a_command_beside_the_script_is_used_without_a_question(reaper: Reaper, tmp_path: Path) -> None:
    del reaper.memory["command"]
    script = tmp_path / "Clipbridge.lua"
    script.write_bytes(SCRIPT.read_bytes())
    (tmp_path / "clipbridge-command.txt").write_text(f'"{reaper.command}"\n', "utf-8")
    result = reaper.run(fields("kick", "0.2"), script=script, selected=1)
    assert len(result["dialogs"]) == 1 and len(items(result)) == 1


def test_a_command_that_dies_or_cannot_be_started_is_reported(reaper: Reaper) -> None:
    result = reaper.run(fields("kick", "0.2"), selected=1, exec_fails=True)
    assert "could not be started" in result["messages"][0] and "command" not in reaper.memory
    reaper.memory["command"] = str(reaper.command)
    script = reaper.place / "Clipbridge.lua"  # with a shorter timeout
    script.write_text(SCRIPT.read_text("utf-8").replace("START_S = 30", "START_S = 1"), "utf-8")
    reaper.command.write_text("#!/bin/sh\nexit 1\n")
    result = reaper.run(fields("kick", "0.2"), script=script, selected=1)
    assert "clipbridge doctor" in result["messages"][0] and reaper.left() == []


# ---- the option of the command line that it rests on ----


def by_file(home: Path, file: Path, ask: Any, port: int) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and events of `clipbridge generate --ask-file`."""
    file.write_text(ask if isinstance(ask, str) else json.dumps(ask), "utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "bridge", "generate", "--ask-file", str(file), "--osc-port", str(port)],
        env=environment(home), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "Traceback" not in run.stderr and run.stdout == ""
    return run.returncode, [json.loads(line) for line in Path(f"{file}.events").read_text("utf-8").splitlines()]


def test_an_ask_in_a_file_is_answered_in_a_file(home: Path, daemon: Daemon, tmp_path: Path) -> None:
    ask = {"prompt": HOSTILE, "seconds": 0.25, "steps": 2, "seed": 5}
    code, events = by_file(home, tmp_path / "ask.json", ask, daemon.port)
    assert code == 0 and events[0] == {"event": "started"} and events[-1]["event"] == "done"
    assert soundfile.info(events[-1]["values"][0]).frames == 12_000 and events[-1]["values"][3] == 5


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        ("no JSON", "JSON"),
        ("[1]", "object"),
        ({"seconds": 1}, "prompt"),
        ({"prompt": "x", "secs": 1}, "'secs'"),
        ({"prompt": "x", "seconds": [1]}, "text or a number"),
        ({"prompt": "x", "osc_port": 0}, "65535"),
        ({"prompt": "x" * 70_000}, "too long"),
    ],
)
def test_an_invalid_ask_file_is_refused_in_its_events_too(
    home: Path, daemon: Daemon, tmp_path: Path, ask: Any, words: str
) -> None:
    code, events = by_file(home, tmp_path / "ask.json", ask, daemon.port)
    assert code == 2 and [event["event"] for event in events] == ["started", "error"]
    assert words in events[-1]["why"] and events[-1]["code"] == "bad_argument" and events[-1]["exit_code"] == 2


def test_generate_wants_a_prompt_or_a_file(home: Path, tmp_path: Path) -> None:
    generate: Callable[..., subprocess.CompletedProcess[str]] = lambda *rest: subprocess.run(  # noqa: E731
        [sys.executable, "-m", "bridge", "generate", *rest],
        env=environment(home), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert generate().returncode == 2 and "prompt is missing" in generate().stderr
    none = generate("--ask-file", str(tmp_path / "none.json"))
    assert none.returncode == 2 and "no file" in none.stderr and list(tmp_path.iterdir()) == []
