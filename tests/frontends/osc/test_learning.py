"""Learning over OSC and on the command line, with a real daemon and a stand-in for what learns."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import STAND_IN, Client, Daemon, environment, pairs
from tests.learn.sounds import make_folder

pytestmark = pytest.mark.daemon
LEARN = [sys.executable, "-m", "bridge", "learn"]


@pytest.fixture(scope="module")
def learner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that learns with a stand-in."""
    place = tmp_path_factory.mktemp("learner")
    make_folder(place / "kit")
    daemon = Daemon(place / "clips", place / "home", run=STAND_IN)
    yield daemon
    daemon.stop()


@pytest.fixture
def asker(learner: Daemon) -> Iterator[Client]:
    client = learner.client()
    yield client
    client.send("/bridge/learn/cancel")
    client.close()


def kit(learner: Daemon) -> str:
    return str(learner.folder.parent / "kit")


def model(learner: Daemon, name: str) -> Path:
    return learner.home / ".local" / "share" / "clipbridge" / "models" / name


def test_a_folder_is_learned_over_osc(learner: Daemon, asker: Client) -> None:
    asker.send("/bridge/learn", kit(learner), "over-osc", "minutes", 0.1, "how", "lora")
    assert asker.until("/bridge/learn/begun")[1] == ["over-osc", pytest.approx(0.1)]
    _, values = asker.until("/bridge/learn/read")
    assert values[1] == 8 and pairs(values, 3)["left_out"] == 0
    _, values = asker.until("/bridge/learn/progress")
    assert values[1] == 0.0 and pairs(values, 2)["seconds_left"] == pytest.approx(6.0, abs=0.1)
    asker.send("/bridge/learning")
    asker.until("/bridge/learn/progress")
    _, values = asker.until("/bridge/learn/clip")
    assert Path(values[1]).is_file() and Path(values[1]).parent.name == "over-osc"
    _, values = asker.until("/bridge/learn/done", timeout_s=60)
    assert Path(values[1]) == model(learner, "over-osc") and Path(values[1], "README.md").is_file()
    assert pairs(values, 2)["held_out"] < pairs(values, 2)["base"]
    asker.send("/bridge/learning")
    assert asker.until("/bridge/learn/done")[1][0] == "over-osc"


def test_what_cannot_be_learned_gets_a_sentence(learner: Daemon, asker: Client) -> None:
    folder = kit(learner)
    (learner.folder.parent / "empty").mkdir(exist_ok=True)
    for arguments, code in (
        ((folder, "starter"), "name_taken"),
        ((folder + "/no", "x"), "bad_argument"),
        (("kit", "x"), "bad_argument"),
        ((7, "x"), "bad_argument"),
        ((folder, "x", "minutes", 0), "bad_argument"),
        ((folder, "x", "hours", 3), "bad_argument"),
        ((folder, "x", "how", "magic"), "bad_argument"),
        ((folder + "/Kick00.wav", "x"), "bad_argument"),
        ((str(learner.folder.parent / "empty"), "x"), "bad_argument"),
    ):
        asker.send("/bridge/learn", *arguments)
        _, values = asker.until("/bridge/learn/failed")
        assert values[1] == code and values[2].endswith("."), arguments
    nameless: tuple[tuple[str, ...], ...] = ((folder,), (), (folder, "a/b"), (folder, ""))
    for few in nameless:
        asker.send("/bridge/learn", *few)
        assert asker.until("/bridge/error")[1][:2] == ["/bridge/learn", "bad_argument"]
    asker.send("/bridge/learn/cancel")
    assert asker.until("/bridge/error")[1][1] == "unknown_job"


def test_two_at_once_are_refused_and_a_cancel_keeps_what_was_learned(learner: Daemon, asker: Client) -> None:
    asker.send("/bridge/learn", kit(learner), "first", "minutes", 5)
    asker.until("/bridge/learn/progress")
    asker.send("/bridge/learn", kit(learner), "second")
    _, values = asker.until("/bridge/learn/failed")
    assert values[0] == "second" and "'first' is being learned" in values[2]
    asker.send("/bridge/learn/cancel", "first")
    _, values = asker.until("/bridge/learn/failed")
    assert values[:2] == ["first", "cancelled"] and "goes on" in values[2]


@pytest.mark.skipif(sys.platform == "win32", reason="sends Ctrl-C")
def test_ctrl_c_keeps_what_was_learned_and_the_same_line_goes_on(learner: Daemon) -> None:
    line = [*LEARN, "kit", "--name", "my-drums", "--minutes", "0.1", "--osc-port", str(learner.port), "--json"]
    where = {"cwd": learner.folder.parent, "env": {**environment(learner.home), "PYTHONPATH": os.getcwd()}}
    first = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **where)  # type: ignore[call-overload]
    assert first.stdout is not None
    seen = []
    for text in first.stdout:
        seen.append(json.loads(text)["event"])
        if seen.count("progress") == 4:
            first.send_signal(signal.SIGINT)
            break
    rest, errors = first.communicate(timeout=30)
    assert first.returncode == 130 and "What was learned is kept" in errors
    assert json.loads(rest.splitlines()[-1])["event"] == "failed"
    second = subprocess.run(line[:-1], capture_output=True, text=True, timeout=60, check=False, **where)  # type: ignore[call-overload]
    assert second.returncode == 0, second.stderr
    assert str(model(learner, "my-drums")) in second.stdout and "models --use my-drums" in second.stdout
    assert "8 sounds" in second.stderr and "going on after" in second.stderr
    third = subprocess.run(line[:-1], capture_output=True, text=True, timeout=60, check=False, **where)  # type: ignore[call-overload]
    assert third.returncode == 2 and "already" in third.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
def test_after_a_killed_daemon_the_same_ask_goes_on(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "kit")
    first = Daemon(tmp_path / "clips", tmp_path / "home", run=STAND_IN)
    client = first.client()
    ask = ("/bridge/learn", str(folder), "my-drums", "minutes", 0.1)
    client.send(*ask)
    client.until("/bridge/learn/progress")
    client.send("/bridge/learn/cancel")  # which saves its state, as it does every half minute
    client.until("/bridge/learn/failed")
    client.send(*ask)
    client.until("/bridge/learn/progress")
    first.process.kill()
    first.stop()
    second = Daemon(tmp_path / "clips", tmp_path / "home", run=STAND_IN)
    try:
        client = second.client()
        end = time.monotonic() + 30
        while True:  # the process that learned ends when it notices that its daemon is gone
            client.send(*ask)
            address, values = client.until("/bridge/learn/read", "/bridge/learn/failed")
            if address == "/bridge/learn/read":
                break
            assert "Another Clipbridge" in values[2] and time.monotonic() < end
            time.sleep(0.2)
        assert pairs(values, 3)["learned_s"] > 0
        _, values = client.until("/bridge/learn/done", timeout_s=60)
        assert Path(values[1]).is_dir()
    finally:
        second.stop()
    shutil.rmtree(tmp_path / "clips")
