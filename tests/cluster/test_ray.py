"""Boxes on Ray Serve. Starting Ray takes a minute of two cores, so all of it is marked `soak`."""

from __future__ import annotations

import importlib.util
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bridge.config import EngineConfig
from bridge.domain.clip import Prompt
from bridge.engine.remote.engine import RemoteEngine
from bridge.engine.remote.errors import Unreachable
from bridge.errors import EngineLost
from tests.cluster.boxes import Box
from tests.cluster.test_serve import far, run
from tests.engine.remote.test_process import free_port
from tests.fake_engine import MODEL
from tests.harness import clipbridge

PROMPT = MODEL.abilities.settled(Prompt("kick", "kick", 0.5, 1, steps=20))  # a second of the slow stand-in
has_ray = importlib.util.find_spec("ray") is not None


def test_options_for_ray_without_ray_are_refused(home: Path) -> None:
    answer = clipbridge(home, "serve", "--replicas", "2")
    assert answer.returncode == 2 and "add --ray" in answer.stderr
    if not has_ray:
        answer = clipbridge(home, "serve", "--ray")
        assert answer.returncode == 8 and "pip install '.[cluster]'" in answer.stderr


@pytest.fixture(scope="module")
def box(home: Path) -> Iterator[Box]:
    """Two replicas of a stand-in engine that sleeps."""
    if not has_ray:
        pytest.skip("Ray is not installed")
    box = Box(home, "--ray", "--replicas", "2", "--name", "kicks", behaviour="slow", port=free_port())
    box.url += "/kicks"
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            RemoteEngine(EngineConfig(url=box.url)).look()
            break
        except Unreachable:
            time.sleep(0.2)
    yield box
    box.stop()


def side_by_side(box: Box, count: int) -> float:
    """The seconds that as many jobs of a second take at a time."""
    threads = [threading.Thread(target=run, args=(far(box), PROMPT)) for _ in range(count)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return time.monotonic() - begun


@pytest.mark.soak
def test_two_replicas_make_two_clips_at_a_time(box: Box) -> None:
    side_by_side(box, 2)
    one, two = side_by_side(box, 1), side_by_side(box, 2)
    print(f"one job {one:.2f} s, two at a time {two:.2f} s: {2 * one / two:.2f} times as many")
    assert 2 * one / two > 1.6


@pytest.mark.soak
def test_killed_replicas_lose_their_jobs_and_are_replaced(box: Box) -> None:
    there = far(box)
    lost: list[float] = []

    def kill(done: int, _units: int) -> None:
        if done == 3 and not lost:
            lost.append(time.monotonic())
            for process in psutil.process_iter(["cmdline"]):
                line = " ".join(process.info["cmdline"] or ())
                if "ServeReplica" in line and "Engine" in line and process.children():
                    process.kill()

    with pytest.raises(EngineLost):
        run(there, replace(PROMPT, steps=250), kill)
    print(f"killed replicas are noticed after {time.monotonic() - lost[0]:.2f} s")
    assert time.monotonic() - lost[0] < 5
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            there.look()
            assert len(run(there, PROMPT)) == 1
            return
        except (Unreachable, EngineLost):
            time.sleep(0.5)
    raise AssertionError("no replica came back")
