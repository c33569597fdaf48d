"""Beside a DAW: the engine takes nothing from threads with real-time priority, and gets its share beside busy programs."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from tests.bench.beside_loads import CORES, LOOP, session, waited_s
from tests.bench.steady_client import Figures, steady_client
from tests.harness import Daemon, skip_or_fail
from tests.jack_device import Jack, jack

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="JACK's dummy driver, and Linux's figures of a thread")
TRIES = 5  # the host of a virtual machine takes a core away now and then


@pytest.fixture(scope="module")
def sound_card() -> Iterator[Jack]:
    """A server that goes on without a late client, as a sound card does. Its clients have real-time threads."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    except PermissionError:
        skip_or_fail("this user may not have real-time threads (group audio)")
    with jack(realtime=True, synchronous=False, block=256) as server:
        yield server


@pytest.fixture
def busy_engine(start_daemon: Callable[..., Daemon]) -> Iterator[tuple[Daemon, psutil.Process]]:
    """A daemon whose engine computes until the end of the test."""
    daemon = start_daemon("--model", "untrained")
    client = daemon.client()
    client.send("/bridge/generate", "rain", 20.0, "steps", 250, "takes", 4, "id", "long")
    client.until("/bridge/progress", job="long")
    yield daemon, daemon.child("engine")


def test_a_client_in_c_counts_the_blocks_that_it_misses(sound_card: Jack) -> None:
    with steady_client(sound_card) as client:
        time.sleep(0.5)
        client.process.send_signal(signal.SIGSTOP)
        time.sleep(0.2)
        client.process.send_signal(signal.SIGCONT)
        time.sleep(0.5)
        figures = client.stop()
    assert figures.realtime
    assert figures.missed > 0.2 / (figures.block_ms / 1000) - 2 and figures.xruns and figures.late_ms > 150


def test_the_engine_takes_no_block_from_a_real_time_client_even_at_the_highest_priority(
    sound_card: Jack, busy_engine: tuple[Daemon, psutil.Process]
) -> None:
    _, engine = busy_engine
    with contextlib.suppress(psutil.AccessDenied):  # only root may raise it
        for thread in engine.threads():
            os.setpriority(os.PRIO_PROCESS, thread.id, -20)
    assert all(os.sched_getscheduler(thread.id) in (os.SCHED_OTHER, os.SCHED_BATCH) for thread in engine.threads())

    def heard() -> tuple[Figures, float]:
        before = sum(engine.cpu_times()[:2])
        with steady_client(sound_card) as client:
            time.sleep(1.0)
            waited = waited_s(client.process.pid)
            figures = client.stop()
        assert sum(engine.cpu_times()[:2]) > before, "the engine does not compute"
        return figures, waited

    tries = [heard() for _ in range(TRIES)]
    assert any(figures.missed == 0 for figures, _ in tries), tries
    waited, blocks = sum(waited for _, waited in tries), sum(figures.callbacks for figures, _ in tries)
    assert waited < 0.1 * blocks * tries[0][0].block_ms / 1000  # it is a hundredth, without other tests


def test_the_engine_gets_its_share_of_the_cores_beside_busy_programs(
    busy_engine: tuple[Daemon, psutil.Process],
) -> None:
    _, engine = busy_engine
    loops = [psutil.Popen(LOOP) for _ in range(CORES)]
    try:
        time.sleep(0.5)
        before = [sum(process.cpu_times()[:2]) for process in (engine, *loops)]
        time.sleep(3.0)
        used, *theirs = (sum(p.cpu_times()[:2]) - b for p, b in zip((engine, *loops), before, strict=True))
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
    assert used > 0.1 * (used + sum(theirs)), (
        used,
        theirs,
    )  # a third with one thread, more with as many as there are cores


@pytest.mark.skipif(not session(os.getpid()), reason="a kernel without autogroups")
def test_the_engine_has_a_share_of_its_own_however_busy_the_terminal_is(
    busy_engine: tuple[Daemon, psutil.Process],
) -> None:
    daemon, engine = busy_engine
    assert session(engine.pid) != session(daemon.process.pid)
