"""Ableton Link with another program, a process with aalink: one tempo, one bar."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from tests.harness import STAND_IN, Daemon, skip_or_fail

PEER = """
import asyncio, sys, aalink
async def main():
    link = aalink.Link(133.0)
    link.enabled, link.quantum = True, 4.0
    # When two sessions meet, the older one's tempo wins; sessions that start within half a second of each other decide by random
    # numbers. Link itself may need half a second to start.
    await asyncio.sleep(1.5)
    print("ready", flush=True)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := (await reader.readline()).decode().split():
        if line[0] == "tempo":
            link.tempo = float(line[1])
        print(link.num_peers, link.tempo, link.beat, flush=True)
asyncio.run(main())
"""


def wait_until(condition: Callable[[], bool], within_s: float = 15.0) -> None:
    """Wait until the condition is true. Fails after `within_s` seconds."""
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "the condition did not become true"
        time.sleep(0.2)


def test_tempo_and_bar_follow_the_session_and_a_new_tempo_reaches_it(start_daemon: Callable[..., Daemon]) -> None:
    peer = subprocess.Popen([sys.executable, "-c", PEER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert peer.stdin is not None and peer.stdout is not None

    def ask(line: str) -> list[float]:
        print(line, file=peer.stdin, flush=True)
        return [float(value) for value in peer.stdout.readline().split()]  # type: ignore[union-attr]

    try:
        assert peer.stdout.readline().strip() == "ready"
        daemon = start_daemon("--link", wait=False, run=STAND_IN)  # a tempo needs no engine
        client = daemon.client()
        end = time.monotonic() + 15
        while ask("look")[0] == 0:
            if time.monotonic() > end:
                skip_or_fail("Link finds no peer here: is multicast forbidden?")
            time.sleep(0.2)
        wait_until(lambda: client.ask("/bridge/tempo")[1][0] == pytest.approx(133.0, abs=0.02))

        def together() -> bool:
            beat = client.ask("/bridge/tempo")[1][2]
            apart = (ask("look")[2] - beat) % 4
            return bool(min(apart, 4 - apart) < 0.1)  # of a beat

        wait_until(together)
        ask("tempo 96.5")
        wait_until(lambda: client.ask("/bridge/tempo")[1][0] == pytest.approx(96.5, abs=0.02))
        client.send("/bridge/tempo", 111.0)
        wait_until(lambda: ask("look")[1] == pytest.approx(111.0, abs=0.02))
    finally:
        peer.communicate()
