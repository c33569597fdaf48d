"""A real device beside threads of Python that hold up the mixing thread: GIL, collector, a scheduler that comes late."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection

import numpy as np
import pytest

from bridge.player.ahead import MARGIN_S
from bridge.player.device import choose, leave, outputs
from bridge.player.mixer import Mixer
from bridge.player.output import Output
from bridge.system import portable
from tests.jack_device import BLOCK, RATE, Jack, Recorder

SECONDS = 2.0
STEP = 1 / 2**20  # each frame is this much more than the one before


def play(connection: Connection, hold_s: float, pause_s: float, has_c: bool) -> None:
    """Play a sound that counts its frames, while another thread holds Python's lock for `hold_s` again and again. Sends the
    underflows. `has_c`: whether there is rtmixer."""
    if not has_c:
        sys.modules["rtmixer"] = None  # type: ignore[assignment]
    portable.raise_priority()
    mixer = Mixer(RATE, 2)
    output = Output(choose("system", outputs()), mixer)
    while not mixer.frame:
        time.sleep(0.01)
    usleep = ctypes.PyDLL(None).usleep  # a call through PyDLL keeps the lock

    def hold() -> None:
        portable.raise_thread_priority()  # or another program could hold it up, and with it the lock, for much longer
        while True:
            usleep(round(1e6 * hold_s))
            time.sleep(pause_s)

    connection.send(type(output._reader).__name__)
    connection.recv()
    samples = np.arange(1, round(SECONDS * RATE) + 1, dtype=np.float32)[:, None] * np.float32(STEP)
    before = output.underflows
    mixer.requests.append(mixer.voice(1, samples))
    time.sleep(0.2)
    threading.Thread(target=hold, daemon=True).start()
    while not mixer.ended:
        time.sleep(0.01)
    time.sleep(0.2)
    connection.send(output.underflows - before)
    output.close()
    leave()  # a server waits for a client that vanishes, and lets no other in meanwhile
    os._exit(0)


@pytest.fixture
def beside(server: Jack, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """A function: for `hold_s` and `pause_s` the underflows, and for each frame of the sound whether it was heard, in its place."""
    server.lend(monkeypatch)

    def run(hold_s: float, pause_s: float, has_c: bool = True) -> tuple[int, np.ndarray]:
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(
            target=play, args=(theirs, hold_s, pause_s, has_c), daemon=True
        )
        process.start()
        assert ours.recv() == ("InC" if has_c else "InPython")
        recorder.restart()
        ours.send("go")
        underflows = ours.recv()
        process.join(10)
        heard = recorder.heard()[:, 0]
        at = np.nonzero(heard)[0]
        numbers = np.round(heard[at] / STEP).astype(int)
        assert len(set(at - numbers)) == 1, "it shifted against the device"
        return underflows, np.isin(np.arange(1, round(SECONDS * RATE) + 1), numbers)

    yield run


def test_a_thread_that_holds_pythons_lock_for_less_than_the_margin_is_not_heard(beside) -> None:  # type: ignore[no-untyped-def]
    for _ in range(3):  # a busy machine may hold the mixing thread up for longer itself
        underflows, heard = beside(0.5 * MARGIN_S, 0.004)
        if heard.all() and not underflows:
            return
    raise AssertionError(f"{underflows} underflows, {(~heard).sum()} frames missing in each of three runs")


def test_one_that_holds_it_longer_leaves_counted_silence_and_the_sound_stays_at_its_frame(beside) -> None:  # type: ignore[no-untyped-def]
    underflows, heard = beside(0.06, 0.3)
    assert 0.5 < heard.mean() < 1.0
    assert underflows >= (~heard).sum() / BLOCK


def test_without_the_c_a_callback_in_python_plays_the_same(beside) -> None:  # type: ignore[no-untyped-def]
    for _ in range(3):
        underflows, heard = beside(0.0, 1.0, has_c=False)
        if heard.all() and not underflows:
            return
    raise AssertionError(f"{underflows} underflows, {(~heard).sum()} frames missing in each of three runs")
