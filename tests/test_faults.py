"""Faults on stage, with a real daemon: killed, hung, unplugged, stopped."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import soundfile

from tests.harness import STAND_IN, Daemon

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
Start = Callable[..., Daemon]

LONG = (20.0, "steps", 250)
# It starts sooner and makes a minute of sound in a second; no test here checks how it sounds.
FAST = ("--model", "untrained")


@pytest.fixture(scope="module")
def places(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path, list[Daemon]]]:
    """A home, a sample folder, and the daemons started with them."""
    started: list[Daemon] = []
    yield home, tmp_path_factory.mktemp("faults") / "clips", started
    for daemon in started:
        daemon.stop()


@pytest.fixture
def daemon(places: tuple[Path, Path, list[Daemon]]) -> Daemon:
    """The daemon of the test before, or a new one if that test ended it."""
    home, folder, started = places
    if not started or started[-1].process.poll() is not None:
        started.append(Daemon(folder, home, *FAST))
    started[-1].wait_ready()
    return started[-1]


def test_a_killed_engine_fails_the_running_job_at_once_and_serves_those_that_wait(daemon: Daemon) -> None:
    client, engine = daemon.client(), daemon.child("engine")
    client.send("/bridge/generate", "lost", *LONG, "id", "lost")
    client.until("/bridge/progress", job="lost")
    for number in range(3):
        client.send("/bridge/generate", "kept", 0.2, "steps", 2, "id", number)
    client.until("/bridge/queued", job=2)
    engine.kill()
    _, values = client.until("/bridge/failed", timeout_s=10)
    assert values[:2] == ["lost", "engine_lost"] and "signal 9" in values[2]  # noticed by its end, not by its silence
    assert client.ask("/bridge/ping", 1)[0] == "/bridge/pong"
    for number in range(3):
        assert client.end_of(number, timeout_s=120)[0] == "/bridge/done"
    assert len(list(daemon.folder.glob("kept_*.wav"))) == 3


def test_a_hung_engine_is_found_and_replaced(daemon: Daemon) -> None:
    client, engine = daemon.client(), daemon.child("engine")
    client.send("/bridge/generate", "first", 1.0, "steps", 5)
    client.until("/bridge/done")
    client.send("/bridge/generate", "hung", 1.0, "steps", 100, "id", "hung")
    client.until("/bridge/progress", job="hung")
    engine.suspend()
    _, values = client.until("/bridge/failed", timeout_s=60)
    assert values[:2] == ["hung", "engine_lost"] and "no progress" in values[2]
    client.send("/bridge/generate", "after", 0.2, "steps", 2, "id", "after")
    assert client.end_of("after", timeout_s=120)[0] == "/bridge/done"


def test_a_restart_on_request_brings_the_engine_back(daemon: Daemon) -> None:
    client, engine = daemon.client(), daemon.child("engine")
    assert client.ask("/bridge/restart") == ("/bridge/restart", ["restarting"])
    client.send("/bridge/generate", "x", 0.2, "steps", 2, "id", 1)
    assert client.end_of(1, timeout_s=120)[0] == "/bridge/done"
    assert not engine.is_running() or engine.status() == psutil.STATUS_ZOMBIE


def test_a_folder_that_vanishes_is_reported_and_used_again_when_it_is_back(daemon: Daemon, tmp_path: Path) -> None:
    client = daemon.client()
    daemon.folder.rename(tmp_path / "unplugged")
    client.send("/bridge/generate", "x", 0.2, "steps", 2, "id", "gone")
    _, values = client.until("/bridge/failed", job="gone")
    assert values[1] == "disk" and "gone" in values[2] and not daemon.folder.exists()
    (tmp_path / "unplugged").rename(daemon.folder)
    client.send("/bridge/generate", "x", 0.2, "steps", 2, "id", "back")
    assert client.end_of("back")[0] == "/bridge/done"


def test_killed_between_staging_and_rename_no_partial_file_is_visible_and_none_is_left_after_restart(
    daemon: Daemon, places: tuple[Path, Path, list[Daemon]]
) -> None:
    home, folder, started = places
    client, shaper = daemon.client(), daemon.child("shaper")
    staging = [home / "cache" / "clipbridge" / "staging", daemon.folder / ".clipbridge-staging"]

    def staged() -> list[Path]:
        return [file for root in staging if root.is_dir() for file in root.rglob("*.wav")]

    caught = False
    for attempt in range(20):
        client.send("/bridge/generate", "partial", 60.0, "steps", 1, "id", attempt)
        seen = len(daemon.lines)
        while not caught and not any(line["event"] == "done" for line in daemon.lines[seen:]):
            if staged():
                shaper.suspend()
                caught = bool(staged())  # otherwise it was renamed in between: try again
                if not caught:
                    shaper.resume()
        if caught:
            break
    assert caught
    complete = set(daemon.folder.rglob("partial*.wav"))
    daemon.process.kill()
    shaper.kill()
    assert set(daemon.folder.rglob("partial*.wav")) == complete
    assert all(soundfile.info(file).frames == 60 * 48_000 for file in complete)
    again = Daemon(folder, home, *FAST)
    started.append(again)
    assert staged() == []
    client = again.client()
    client.send("/bridge/generate", "after", 0.2, "steps", 2, "id", 1)
    assert client.end_of(1)[0] == "/bridge/done"


def test_a_front_that_is_killed_takes_its_processes_with_it(daemon: Daemon) -> None:
    client = daemon.client()
    children = [daemon.child("engine"), daemon.child("shaper")]
    client.send("/bridge/generate", "x", *LONG, "id", "orphan")
    client.until("/bridge/progress", job="orphan")
    daemon.process.kill()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


@pytest.fixture
def slow_daemon(start_daemon: Start, monkeypatch: pytest.MonkeyPatch) -> Daemon:
    """A daemon whose stand-in engine takes 50 ms a step."""
    monkeypatch.setenv("STAND_IN_ENGINE", "slow")
    return start_daemon(run=STAND_IN)


@pytest.mark.parametrize(("number", "fixture"), [(signal.SIGINT, "slow_daemon"), (signal.SIGTERM, "daemon")])
def test_the_first_stop_signal_finishes_the_clip_in_work_and_refuses_the_rest(
    number: int, fixture: str, request: pytest.FixtureRequest
) -> None:
    daemon: Daemon = request.getfixturevalue(fixture)
    client = daemon.client()
    client.send("/bridge/generate", "in work", 2.0, "steps", 40, "id", "in work")
    client.send("/bridge/generate", "waiting", 2.0, "id", "waiting")
    client.until("/bridge/progress", job="in work")
    daemon.process.send_signal(number)
    _, values = client.until("/bridge/failed")
    assert values[:2] == ["waiting", "stopping"]
    address, values = client.end_of("in work")
    assert address == "/bridge/done" and soundfile.info(values[1]).frames == 96_000
    assert daemon.process.wait(20) == 0
    assert "Traceback" not in "".join(daemon.errors)


def test_the_second_stop_signal_stops_now_and_still_tells_the_asker(slow_daemon: Daemon) -> None:
    client = slow_daemon.client()
    client.send("/bridge/generate", "long", 10.0, "steps", 250, "id", 1)
    client.until("/bridge/progress", job=1)
    os.kill(slow_daemon.process.pid, signal.SIGINT)
    slow_daemon.wait_for(lambda line: line.get("state") == "stopping")
    os.kill(slow_daemon.process.pid, signal.SIGINT)
    assert client.end_of(1)[1][1] == "stopping"
    assert slow_daemon.process.wait(10) == 0


def test_a_stop_while_loading_is_obeyed(start_daemon: Start) -> None:
    daemon = start_daemon(*FAST, wait=False)
    client = daemon.client()
    client.send("/bridge/generate", "early", 0.2, "id", 1)
    client.until("/bridge/queued")
    os.kill(daemon.process.pid, signal.SIGINT)
    assert client.end_of(1)[1][1] == "stopping"
    assert daemon.process.wait(15) == 0
