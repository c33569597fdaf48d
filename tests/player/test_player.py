"""The player process by itself: while a device opens, and at its end."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.player.messages import Ended, Hold, Open, Opened, Sound, Unusable
from bridge.player.process import main
from tests.jack_device import Jack, jack

HELD = 32  # takes; each is read and resampled


@contextlib.contextmanager
def playing(server: Jack, device: str = "system", *how: object) -> Iterator[Connection]:
    """A player on that server, which ends with its pipe."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=main, args=(theirs, device, *how), daemon=True)
    with pytest.MonkeyPatch.context() as patch:
        server.lend(patch)
        process.start()
    theirs.close()
    try:
        ours.send(Open())
        yield ours
    finally:
        ours.close()
        process.join(10)
        process.kill()
    assert process.exitcode == 0


@pytest.fixture
def player() -> Iterator[Connection]:
    """On a server of its own: one that other tests have used may still wait for a client of theirs, and lets none in meanwhile."""
    with jack() as server, playing(server) as connection:
        yield connection


@pytest.fixture
def take(tmp_path: Path) -> str:
    file = tmp_path / "take.npy"
    np.save(file, np.random.default_rng(1).normal(0, 0.02, (4_410, 2)).astype(np.float32))
    return str(file)


def until(player: Connection, kind: type[Any], voice: int | None = None) -> Any:
    end, others = time.monotonic() + 15, []
    while player.poll(max(0.0, end - time.monotonic())):
        message = player.recv()
        if isinstance(message, kind) and (voice is None or message.voice == voice):
            return message
        others.append(message)
    raise AssertionError(f"no {kind.__name__}, but {others}")


def test_a_press_while_the_device_opens_sounds(player: Connection, take: str) -> None:
    for slot in range(HELD):
        player.send(Hold(slot, take, 44_100))
    until(player, Opened)
    player.send(Sound(1, HELD - 1))
    assert until(player, Ended, 1).why == ""


def test_a_press_of_a_missing_or_damaged_take_is_reported(player: Connection, tmp_path: Path) -> None:
    until(player, Opened)
    damaged = tmp_path / "damaged.npy"
    damaged.write_bytes(b"no samples")
    for message in (Sound(1, 7), Hold(8, str(damaged), 44_100), Sound(2, 8)):
        player.send(message)
    for voice in (1, 2):
        assert until(player, Ended, voice).why == "it was not ready"


@pytest.mark.parametrize(("device", "report"), [("system", Opened), ("no such thing", Unusable)])
def test_a_player_disconnects_from_its_server_when_it_ends(device: str, report: type[Any]) -> None:
    with jack() as server:
        for _ in range(2):
            with playing(server, device) as player:
                until(player, report)
        assert server.process is not None
        server.process.terminate()
        assert server.process.wait(5) == 0  # it waits for clients that have not disconnected
