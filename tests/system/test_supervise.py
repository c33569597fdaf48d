from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from bridge.system import supervise
from bridge.system.portable import selector_loop
from bridge.system.supervise import DEATHS_ALLOWED, Child


def run(story: Callable[[], Any]) -> None:
    with asyncio.Runner(loop_factory=selector_loop) as runner:
        runner.run(asyncio.wait_for(story(), 60))


class Watched(Child):
    """A Child that keeps what it hears."""

    def __init__(self, target: str) -> None:
        super().__init__("test", f"tests.fake_children:{target}")
        self.heard: asyncio.Queue[Any] = asyncio.Queue()
        self.deaths: asyncio.Queue[tuple[str, bool]] = asyncio.Queue()
        self.on_message = self.heard.put_nowait
        self.on_death = lambda reason, given_up: self.deaths.put_nowait((reason, given_up))


def test_messages_come_back_in_order_and_closing_does_not_count_as_a_death() -> None:
    async def story() -> None:
        child = Watched("echo")
        child.start()
        for number in range(200):
            child.send((number, b"x" * 100_000))
        assert [(await child.heard.get())[0] for _ in range(200)] == list(range(200))
        process = child.process
        await child.close()
        assert process.exitcode == 0 and child.deaths.empty()

    run(story)


def test_a_dead_child_is_reported_with_its_exit_code_and_started_again() -> None:
    async def story() -> None:
        child = Watched("die_on_message")
        child.start()
        first = await child.heard.get()
        child.send(7)
        assert await child.deaths.get() == ("exit code 7", False)
        second = await child.heard.get()
        assert second != first
        await child.close()

    run(story)


def test_a_killed_child_is_reported_within_moments() -> None:
    async def story() -> None:
        child = Watched("die_on_message")
        child.start()
        pid = await child.heard.get()
        psutil.Process(pid).kill()
        reason, given_up = await asyncio.wait_for(child.deaths.get(), 2)
        assert "signal 9" in reason and not given_up
        await child.close()

    run(story)


def test_a_child_that_dies_too_often_is_given_up_until_it_is_restarted() -> None:
    async def story() -> None:
        child = Watched("die_on_message")
        child.start()
        for number in range(DEATHS_ALLOWED):
            await child.heard.get()
            child.send(1)
            assert (await child.deaths.get())[1] == (number == DEATHS_ALLOWED - 1)
        given_up = child.process.pid
        await asyncio.sleep(0.2)
        assert child.process.pid == given_up  # nothing was started after it
        child.restart()
        await child.heard.get()
        child.send(1)
        assert (await child.deaths.get())[1] is False
        await child.close()

    run(story)


def test_a_child_that_is_silent_beyond_its_budget_is_killed_and_the_reason_reported() -> None:
    async def story() -> None:
        child = Watched("stubborn")
        child.start()
        await child.heard.get()
        child.watch(0.5, "testing")
        while child.deaths.empty():
            await asyncio.sleep(0.05)
            child.tick()
        reason, _ = child.deaths.get_nowait()
        assert reason == "it made no progress for 0 s while testing"
        await child.close(timeout_s=0.2)

    run(story)


def starve(process: psutil.Process, seconds: float, share: float = 0.1) -> None:
    """Let a process run for this share of the time, as busy programs do."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.is_running():
        process.suspend()
        time.sleep(0.2 * (1 - share))
        process.resume()
        time.sleep(0.2 * share)


def test_a_starved_child_is_not_taken_for_hung() -> None:
    async def story() -> None:
        child = Watched("compute")
        child.start()
        await child.heard.get()
        child.watch(1.0, "testing")
        child.send(0.5)
        starving = asyncio.create_task(asyncio.to_thread(starve, psutil.Process(child.process.pid), 3.0))
        began = time.monotonic()
        while child.heard.empty():
            await asyncio.sleep(0.1)
            child.tick()
            assert child.deaths.empty()
        assert time.monotonic() - began > 2.0  # twice the budget
        await starving
        await child.close()

    run(story)


def test_a_child_that_computes_in_silence_without_end_is_killed() -> None:
    async def story() -> None:
        child = Watched("compute")
        child.start()
        await child.heard.get()
        child.watch(0.5, "testing")
        child.send(1e9)
        while child.deaths.empty():
            await asyncio.sleep(0.1)
            child.tick()
        assert child.deaths.get_nowait()[0] == "it made no progress for 0 s while testing"
        await child.close(timeout_s=0.2)

    run(story)


def test_without_processor_times_wall_time_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        child = Watched("compute")
        child.start()
        await child.heard.get()
        monkeypatch.setattr(psutil.Process, "cpu_times", lambda process: (_ for _ in ()).throw(psutil.AccessDenied()))
        child.watch(0.5, "testing")
        began = time.monotonic()
        while child.deaths.empty():
            await asyncio.sleep(0.1)
            child.tick()
        assert time.monotonic() - began > 0.5
        await child.close(timeout_s=0.2)

    run(story)


def test_a_front_that_was_asleep_does_not_blame_the_child() -> None:
    async def story() -> None:
        child = Watched("echo")
        child.start()
        child.send(1)
        await child.heard.get()
        child.watch(0.7, "testing")
        child.tick()
        time.sleep(1.2)  # the laptop's lid was closed
        child.tick()
        await asyncio.sleep(0.3)
        assert child.deaths.empty()
        await child.close()

    run(story)


def test_a_child_that_even_a_kill_does_not_end_is_taken_for_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        monkeypatch.setattr(supervise, "KILL_TIMEOUT_S", 0.5)
        child = Watched("stubborn")
        child.start()
        await child.heard.get()
        undead = psutil.Process(child.process.pid)
        monkeypatch.setattr(child.process, "kill", lambda: None)  # a driver that hangs: SIGKILL waits
        child.kill("for a test")
        while child.deaths.empty():
            await asyncio.sleep(0.05)
            child.tick()
        assert child.deaths.get_nowait() == ("for a test", False)
        assert await child.heard.get() == "here"  # a new one is at work
        undead.kill()
        await child.close(timeout_s=0.2)

    run(story)


def test_a_child_that_will_not_end_is_killed_at_closing() -> None:
    async def story() -> None:
        child = Watched("stubborn")
        child.start()
        await child.heard.get()
        process = child.process
        await asyncio.wait_for(child.close(timeout_s=0.5), 4)
        assert process.exitcode is not None

    run(story)
