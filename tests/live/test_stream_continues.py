"""A stream that goes on after itself, instead of cross-fading two strangers."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from bridge.player.voice import fade_ends
from tests.harness import Client, Daemon
from tests.jack_device import Recorder

RATE, JOIN_S, OVERLAP_S = 48_000, 0.04, 1.0


def stream_state(client: Client, state: str, timeout_s: float = 30.0) -> None:
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        _, values = client.until("/bridge/stream/state", timeout_s=timeout_s)
        if values[0] == state:
            return
    raise AssertionError(f"the stream is never {state}")


def test_clips_that_are_the_same_where_they_overlap_sum_to_what_they_are() -> None:
    rng = np.random.default_rng(1)
    shared = rng.uniform(-0.5, 0.5, (RATE, 1)).astype(np.float32)
    before = np.concatenate([rng.uniform(-0.5, 0.5, (RATE, 1)).astype(np.float32), shared])
    after = np.concatenate([shared, rng.uniform(-0.5, 0.5, (RATE, 1)).astype(np.float32)])
    fade_ends(before, RATE, same=True)
    fade_ends(after, RATE, same=True)
    assert np.abs(before[-RATE:] + after[:RATE] - shared).max() < 1e-4


def test_each_clip_of_the_stream_begins_with_the_second_in_which_it_overlaps_the_one_before(
    stage: Daemon, recorder: Recorder
) -> None:
    client = stage.client()
    client.send("/bridge/subscribe")
    client.send("/bridge/stream/start", "long rain", 2.0, "continue", 1, "steps", 2, "seed", 7)
    try:
        stream_state(client, "playing")
        deadline, parts = time.monotonic() + 20, list[np.ndarray]()
        while len(parts) < 3 and time.monotonic() < deadline:
            time.sleep(0.2)
            parts = samples_of(stage)
        assert len(parts) >= 3
        overlap, join = round(OVERLAP_S * RATE), round(JOIN_S * RATE)
        for before, after in itertools.pairwise(parts):
            assert np.array_equal(before[-overlap:-join], after[: overlap - join])
    finally:
        client.send("/bridge/stream/stop", 10.0)
        stream_state(client, "off")
        client.send("/bridge/unsubscribe")


def samples_of(daemon: Daemon) -> list[np.ndarray]:
    """The clips of the stream that the daemon holds for its player, in the order in which they were made."""
    scratch = [
        Path(file.path) for file in psutil.Process(daemon.process.pid).open_files() if file.path.endswith(".npy")
    ]
    folders = {path.parent for path in scratch} or {path.parent for path in daemon.home.rglob("*.npy")}
    files = sorted((path for folder in folders for path in folder.glob("*.npy")), key=lambda path: path.stat().st_mtime)
    loaded = []
    for file in files:
        try:
            loaded.append(np.load(file))
        except (OSError, ValueError):  # it is being written, or was dropped
            continue
    return [samples for samples in loaded if len(samples) == 3 * RATE]


@pytest.mark.parametrize(
    "keys", [("continue", "last"), ("continue", "/tmp/a.wav"), ("fill", "last", "from", 1.0, "to", 2.0)]
)
def test_a_stream_goes_on_after_itself_only(stage: Daemon, keys: tuple[object, ...]) -> None:
    client = stage.client()
    address, values = client.ask("/bridge/stream/start", "rain", *keys)
    assert address == "/bridge/error" and "continue 1" in values[2]


def test_a_stream_with_continue_0_fades_as_before(stage: Daemon) -> None:
    client = stage.client()
    client.send("/bridge/stream/start", "long rain", 2.0, "continue", 0, "steps", 2)
    _, values = client.until("/bridge/stream/state", "/bridge/error")
    assert values[0] in ("filling", "playing")
    client.send("/bridge/stream/stop", 10.0)
