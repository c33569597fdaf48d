"""Several engines at a time: jobs side by side, and the loss of one of them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bridge import config
from bridge.core.core import Core
from bridge.core.jobs import Jobs
from bridge.domain.ask import Ask
from bridge.domain.clip import Prompt
from bridge.domain.events import JobEvent
from bridge.domain.job import Job, JobState
from bridge.errors import ConfigError
from bridge.system.supervise import Child
from tests.core.running import Recorder, ask, play, until


def engine(tmp_path: Path, behaviour: str, number: int = 2) -> Child:
    return Child(f"engine-{number}", "tests.fake_engine:main", behaviour, str(tmp_path))


async def all_ready(core: Core) -> None:
    await until(lambda: all(link.is_ready for link in core.dispatcher.links.values()))


def test_jobs_are_made_side_by_side_and_each_ends_once(tmp_path: Path) -> None:
    took: list[float] = []

    async def story(core: Core, recorder: Recorder) -> None:
        await all_ready(core)
        begun = time.monotonic()
        jobs = [ask(core, f"kick {number}", steps=20) for number in range(4)]  # a second each
        assert [job.state for job in jobs] == [JobState.RUNNING, JobState.RUNNING, JobState.QUEUED, JobState.QUEUED]
        assert [position for _, position, _ in core.queue()] == [0, 0, 2, 3]
        await until(lambda: len(recorder.ends()) == 4)
        took.append(time.monotonic() - begun)
        assert list(recorder.ends().values()) == [["done"]] * 4

    play(tmp_path, "slow", story, more_engines=[engine(tmp_path, "slow")])
    assert took[0] < 3.4  # four seconds with one engine


def test_a_cancel_reaches_the_engine_that_works_on_the_job(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        await all_ready(core)
        jobs = [ask(core, f"kick {number}", steps=40) for number in range(3)]
        core.cancel("127.0.0.1", jobs[1].id)
        begun = time.monotonic()
        await until(lambda: jobs[2].state is JobState.RUNNING)
        assert time.monotonic() - begun < 1.0 and jobs[0].state is JobState.RUNNING
        core.cancel("127.0.0.1")

    play(tmp_path, "slow", story, more_engines=[engine(tmp_path, "slow")])


def test_the_death_of_one_engine_loses_its_job_alone_and_the_others_go_on(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        await all_ready(core)
        jobs = [ask(core, f"kick {number}", steps=20) for number in range(4)]
        links = [*core.dispatcher.links.values()]
        killed = links[1]._child
        assert isinstance(killed, Child)
        killed.process.kill()
        await until(lambda: len(recorder.ends()) == 4)
        ends = recorder.ends()
        assert ends[jobs[1].serial] == ["engine_lost"] and [*ends.values()].count(["done"]) == 3
        await until(lambda: links[1].is_ready)

    assert play(tmp_path, "slow", story, more_engines=[engine(tmp_path, "slow")]).states[-2:] == ["ready", "stopping"]


def test_a_live_ask_leaves_what_is_made_ahead_alone_while_there_is_room_for_both(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        await all_ready(core)
        core.stage.pads.set(1, Ask("kick", seconds=0.5, steps=40, sink="pad"))
        core.pull()
        await until(lambda: len(core.jobs.running) == 1)
        (ahead,) = core.jobs.running.values()
        ask(core, "a", steps=10)
        assert not ahead.state.ended and len(core.jobs.running) == 2
        ask(core, "b", steps=10)  # no room: the live one goes first
        assert ahead.state is JobState.CANCELLED
        core.stage.pads.clear(1)
        await until(lambda: len(recorder.ends()) == 2)

    play(tmp_path, "slow", story, more_engines=[engine(tmp_path, "slow")])


def test_the_status_says_how_many_engines_take_jobs_and_how_fast_clips_come(tmp_path: Path) -> None:
    async def story(core: Core, recorder: Recorder) -> None:
        await all_ready(core)
        assert (core.status()["slots"], core.status()["waiting"], core.status()["rate"]) == ("2/2", 0, 0)
        for number in range(3):
            ask(core, f"kick {number}", steps=2)
        await until(lambda: len(recorder.ends()) == 3)
        assert core.status()["rate"] == 3

    play(tmp_path, "well", story, more_engines=[engine(tmp_path, "well")])


def test_a_job_waits_on_the_other_machine_until_its_first_step() -> None:
    jobs = Jobs()
    for serial, kind, fields in (
        (1, "queued", {}),
        (2, "progress", {"fraction": 0.0}),
        (3, "progress", {"fraction": 0.1}),
    ):
        job = Job(serial, serial, "o", Ask("x"), Prompt("x", "x", 1.0, 1))
        job.last_event = JobEvent(kind, serial, fields, serial, "o", job.ask, job.prompt)
        jobs.running[serial] = job
    assert jobs.unbegun == 2


def test_estimates_count_the_engines_that_share_the_queue() -> None:
    jobs = Jobs()
    jobs.slots = 2

    def job(serial: int, seconds: float) -> Job:
        job = Job(serial, serial, "o", Ask("x"), Prompt("x", "x", 1.0, 1))
        job.engine_seconds, job.started_at = seconds, time.monotonic()
        return job

    assert jobs.remaining_seconds() == 0
    jobs.running[1] = job(1, 5.0)
    assert jobs.remaining_seconds() == 0  # one engine is free
    jobs.running[2] = job(2, 3.0)
    assert jobs.remaining_seconds() == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"engine.slots": 2}, "is for engines on other machines"),
        ({"engine.slots": 0}, "must be 1 to 32"),
        ({"engine.slots": 99}, "must be 1 to 32"),
        ({"engine.url": "gpu-box"}, "must be an address such as http://gpu-box:57300"),
        ({"engine.url": "http://"}, "must be an address"),
        ({"engine.url": "http://me:pass@box"}, "must be an address"),
        ({"engine.url": "http://box:99999"}, "must be an address"),
        ({"engine.url": "ftp://box"}, "must be an address"),
        ({"engine.url": "http://box/a b"}, "must be an address"),
        ({"engine.fallback": "remote"}, "engine.fallback"),
        ({"engine.url": "http://box", "engine.fallback": "local", "engine.slots": 2}, "one clip at a time"),
    ],
)
def test_settings_of_an_engine_elsewhere_that_cannot_be_are_told(
    settings: dict[str, object], words: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=words):
        config.load(tmp_path / "none", settings)
    assert (
        config.load(tmp_path / "none", {"engine.url": "https://[::1]:57300/music", "engine.slots": 4}).engine.slots == 4
    )
