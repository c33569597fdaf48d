"""A core whose engine process works with a box: what becomes of jobs and of the state when the box is lost in every way."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bridge.config import EngineConfig
from bridge.core.core import Core
from bridge.domain.plain import plain
from bridge.engine import wire
from bridge.engine.messages import TARGET
from bridge.engine.remote.process import LOOK_S
from bridge.errors import Unsupported
from bridge.system.supervise import Child
from tests.cluster.boxes import Box
from tests.core.running import Recorder, Story, ask, play, until
from tests.engine.remote.stub import (
    FACTS,
    FINISHED,
    HEAD,
    READY,
    STEP,
    chunk,
    piece,
    refused,
    says,
    stays,
    streams,
    stubs,
)
from tests.harness import RUN, Daemon, pairs

stub_of = contextlib.contextmanager(stubs)
GOOD = streams(STEP, piece(8000), FINISHED)
CUT = streams(STEP)


def play_with(tmp_path: Path, url: str, story: Story, limit_s: float = 60.0) -> Recorder:
    """Run a story with a box at an address."""
    return play(tmp_path, "", story, engine=Child("engine", TARGET, EngineConfig(url=url)), limit_s=limit_s)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def boxes(home: Path) -> Iterator[Callable[..., Box]]:
    started: list[Box] = []

    def start(port: int, behaviour: str = "well") -> Box:
        started.append(Box(home, port=port, behaviour=behaviour))
        return started[-1]

    yield start
    for box in started:
        box.stop()


def ended(recorder: Recorder, count: int) -> Callable[[], bool]:
    return lambda: len(recorder.ends()) >= count


def test_jobs_wait_for_a_box_that_is_not_there_yet(tmp_path: Path, boxes: Callable[..., Box]) -> None:
    port = free_port()

    async def story(core: Core, recorder: Recorder) -> None:
        await until(lambda: core.state == "waiting")
        assert core.why.startswith("waiting for 127.0.0.1: 127.0.0.1 answers, but clipbridge serve does not run there")
        job = ask(core, "kick")
        await asyncio.to_thread(boxes, port)
        await until(ended(recorder, 1))
        assert recorder.ends()[job.serial] == ["done"] and core.state == "ready"
        assert core.model is not None and core.model.name == "fake"

    play_with(tmp_path, f"http://127.0.0.1:{port}", story)


def test_a_killed_box_loses_the_begun_job_alone_and_is_waited_for(tmp_path: Path, boxes: Callable[..., Box]) -> None:
    port = free_port()
    first = boxes(port, "slow")

    async def story(core: Core, recorder: Recorder) -> None:
        await until(lambda: core.state == "ready")
        lost, *kept = [ask(core, text, steps=20) for text in ("a", "b", "c")]
        await until(lambda: any(fields.get("fraction", 0) > 0.1 for _, _, fields in recorder.events))
        await asyncio.to_thread(first.kill)
        await until(lambda: core.state == "waiting")
        assert recorder.ends() == {lost.serial: ["engine_lost"]} and [*core.jobs.queue] == kept
        await asyncio.to_thread(boxes, port)
        await until(ended(recorder, 3))
        assert all(recorder.ends()[job.serial] == ["done"] for job in kept)

    states = play_with(tmp_path, f"http://127.0.0.1:{port}", story).states
    assert "failed" not in states and "restarting" not in states


def test_an_idle_front_notices_that_the_box_is_gone_and_that_it_is_back_with_another_checkpoint(tmp_path: Path) -> None:
    other = replace(READY, model=replace(READY.model, name="other"))

    async def story(core: Core, recorder: Recorder) -> None:
        await until(lambda: core.state == "ready")
        stub.facts = refused(503, why="The checkpoint is being loaded.")
        await until(lambda: core.state == "waiting")
        assert "is being loaded" in core.why
        stub.facts = plain(wire.Facts("0", wire.PROTOCOL, other))
        await until(lambda: core.state == "ready")
        assert core.model == other.model

    with stub_of(GOOD) as stub:
        play_with(tmp_path, stub.url, story)


def test_a_box_that_changes_its_checkpoint_under_a_job_makes_it_with_the_new_one(tmp_path: Path) -> None:
    other = replace(READY, model=replace(READY.model, name="other"))

    async def story(core: Core, recorder: Recorder) -> None:
        await until(lambda: core.state == "ready")
        stub.facts = plain(wire.Facts("0", wire.PROTOCOL, other))
        job = ask(core, "kick", seconds=0.5)
        await until(ended(recorder, 1))
        assert recorder.ends()[job.serial] == ["done"] and job.model == other.model

    with stub_of(says(refused(503, why="The box now serves other, not fake.")), GOOD) as stub:
        play_with(tmp_path, stub.url, story)


def test_a_flapping_network_ends_each_job_once_and_never_makes_the_front_fail(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        await until(lambda: core.state == "ready")
        for number in range(12):
            ask(core, f"kick {number}", seconds=0.5)
        await until(ended(recorder, 12))
        await until(lambda: core.state == "ready")

    scripts = [GOOD, CUT, says(), CUT, CUT, GOOD, CUT, CUT, says(HEAD), CUT, GOOD, CUT, GOOD]
    with stub_of(*scripts) as stub:
        recorder = play_with(tmp_path, stub.url, story)
    ends = [end for ends in recorder.ends().values() for end in ends]
    assert ends.count("engine_lost") == 7 and ends.count("done") == 5
    assert "failed" not in recorder.states


def test_a_wrong_set_up_fails_at_the_start_and_a_restart_on_request_tries_again(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        await until(lambda: core.state == "failed")
        assert core.why == "The box wants a token."
        stub.facts = FACTS
        core.restart()
        await until(lambda: core.state == "ready")
        stub.facts = refused(401, why="The box wants another token.")
        await until(lambda: core.state == "waiting")  # what was right once is waited for
        assert core.why == "waiting for 127.0.0.1: The box wants another token."
        stub.facts = FACTS
        await until(lambda: core.state == "ready")
        job = ask(core, seconds=0.5)
        await until(ended(recorder, 1))
        assert recorder.ends()[job.serial] == ["done"]

    with stub_of(GOOD, facts=refused(401, why="The box wants a token.")) as stub:
        play_with(tmp_path, stub.url, story)


def test_a_cancelled_job_leaves_the_box_at_once(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        await until(lambda: core.state == "ready")
        job = ask(core, seconds=0.5)
        await asyncio.to_thread(stub.began.wait, 10)
        core.cancel("127.0.0.1", job.id)
        begun = time.monotonic()
        assert await asyncio.to_thread(stub.left.wait, 10) and time.monotonic() - begun < 0.5
        await asyncio.sleep(LOOK_S + 0.5)  # it looks at the box meanwhile
        after = ask(core, seconds=0.5)
        await until(ended(recorder, 2))
        assert core.state == "ready" and recorder.ends() == {job.serial: ["cancelled"], after.serial: ["done"]}

    with stub_of(stays(HEAD, chunk(STEP)), GOOD) as stub:
        play_with(tmp_path, stub.url, story)


def test_a_cancel_while_the_box_is_gone_ends_a_job_at_once(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        await until(lambda: core.state == "waiting")
        job = ask(core)
        core.cancel("127.0.0.1", job.id)
        assert recorder.ends() == {job.serial: ["cancelled"]} and not core.jobs.queue

    play_with(tmp_path, f"http://127.0.0.1:{free_port()}", story)


def test_the_engine_process_of_a_front_is_small(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        await until(lambda: core.state == "ready")
        ask(core, seconds=0.5)
        await until(ended(recorder, 1))
        assert psutil.Process(child.process.pid).memory_info().rss < 60 << 20

    with stub_of(GOOD) as stub:
        child = Child("engine", TARGET, EngineConfig(url=stub.url))
        play(tmp_path, "", story, engine=child)


def test_a_daemon_with_a_box_makes_clips_and_leaves_the_checkpoint_to_the_box(
    start_daemon: Callable[..., Daemon], home: Path
) -> None:
    box = Box(home).wait_ready()
    try:
        print(time.time(), "start")
        daemon = start_daemon("--engine", box.url, "--set", "engine.model=fake", run=[*RUN])
        client = daemon.client()
        print(time.time(), "started")
        client.send("/bridge/generate", "a kick", 0.5, "id", 1)
        address, values = client.end_of(1)
        assert address == "/bridge/done" and pairs(values, 3)["model"] == "fake" and Path(values[1]).is_file()
        address, values = client.ask("/bridge/restart", "starter")
        assert (
            address == "/bridge/error"
            and values[1] == Unsupported.code
            and "clipbridge serve --model NAME" in values[2]
        )
        print(time.time(), "killing")
        box.kill()
        print(time.time(), "killed")
        daemon.wait_for(lambda line: line["event"] == "state" and line["state"] == "waiting")
        assert pairs(client.ask("/bridge/status")[1], 1)["why"].startswith("waiting for 127.0.0.1: ")
    finally:
        box.stop()


@pytest.mark.soak
def test_a_box_that_falls_silent_is_lost_after_ten_seconds(tmp_path: Path, boxes: Callable[..., Box]) -> None:
    port = free_port()
    box = boxes(port, "slow")

    async def story(core: Core, recorder: Recorder) -> None:
        await until(lambda: core.state == "ready")
        job = ask(core, steps=250)
        await until(lambda: any(fields.get("fraction", 0) > 0.02 for _, _, fields in recorder.events))
        box.pause()
        begun = time.monotonic()
        await until(ended(recorder, 1))
        assert recorder.ends()[job.serial] == ["engine_lost"] and 8 < time.monotonic() - begun < 12
        box.resume()
        await until(lambda: core.state == "ready")

    assert "restarting" not in play_with(tmp_path, f"http://127.0.0.1:{port}", story).states


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_a_thousand_jobs_end_once_each_while_their_box_is_killed_every_ten_seconds(
    tmp_path: Path, boxes: Callable[..., Box]
) -> None:
    port, jobs, every_s = free_port(), 1_000, 10.0
    running = [boxes(port)]

    async def story(core: Core, recorder: Recorder) -> None:
        asked, killed_at = 0, time.monotonic()
        while len(recorder.ends()) < jobs:
            while asked < jobs and asked - len(recorder.ends()) < 32:
                ask(core, f"kick {asked}", seconds=0.5, steps=20)
                asked += 1
            if time.monotonic() - killed_at > every_s:
                await asyncio.to_thread(running.pop().kill)
                running.append(await asyncio.to_thread(boxes, port))
                killed_at = time.monotonic()
            await asyncio.sleep(0.02)

    recorder = play_with(tmp_path, f"http://127.0.0.1:{port}", story, limit_s=550)
    ends = [end for ends in recorder.ends().values() for end in ends]
    print({end: ends.count(end) for end in set(ends)})
    assert len(ends) == jobs and ends.count("done") >= 0.8 * jobs and set(ends) <= {"done", "engine_lost"}
    assert "failed" not in recorder.states
