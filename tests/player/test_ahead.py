"""Mixing ahead of a device: what it hears when the mixing thread is on time, and when it is not."""

from __future__ import annotations

import random
from types import SimpleNamespace

import numpy as np
import pytest

from bridge.player import ahead as module
from bridge.player.ahead import MARGIN_S, PIECE_S, Ahead
from bridge.player.messages import Stop
from bridge.player.mixer import Mixer
from bridge.player.ring import FRAMES, Ring

RATE = 48_000
STEP = 1 / 2**20  # a sound whose samples count: each frame is this much more than the one before


class Simulated:
    """A device, a clock, and a mixing thread that `late` may hold up: seconds, for each time that it sleeps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, block: int, channels: int = 2) -> None:
        self.block, self.now, self.taken = block, 10.0, 0
        self.played: list[np.ndarray] = []
        self.freed = 0
        self.late = lambda: 0.0
        self.ring, self.mixer = Ring(channels), Mixer(RATE, channels)
        self.ahead = Ahead(self.mixer, self.ring, self)
        self.end = 0.0
        clock = SimpleNamespace(perf_counter=lambda: self.now, sleep=self.sleep)
        monkeypatch.setattr(module, "time", clock)
        monkeypatch.setattr(module.portable, "raise_thread_priority", lambda: None)

    def sleep(self, seconds: float) -> None:
        """Let time pass, in which the device takes its blocks."""
        self.now += seconds + self.late()
        while 10.0 + len(self.played) * self.block / RATE <= self.now:
            out = np.empty((self.block, self.ring.memory.shape[1]), np.float32)
            self.ring.get(self.taken, out)
            self.played.append(out)
            self.taken += self.block
        if self.now >= self.end:
            self.ahead.end()

    def free(self) -> None:
        self.ring.silence(self.freed, self.taken)
        self.freed = self.taken

    def run(self, seconds: float) -> None:
        self.end = self.now + seconds
        self.ahead._ending.clear()
        self.ahead.run()

    def heard(self) -> np.ndarray:
        return np.concatenate(self.played)[:, 0]

    def count(self, frames: int) -> None:
        """Play a sound that counts its frames."""
        samples = np.arange(1, frames + 1, dtype=np.float32)[:, None] * np.float32(STEP)
        self.mixer.requests.append(self.mixer.voice(1, samples))


def numbers(heard: np.ndarray) -> np.ndarray:
    """For each frame that sounded how much the sound is ahead of the device."""
    at = np.nonzero(heard)[0]
    return at - np.round(heard[at] / STEP).astype(int)


@pytest.mark.parametrize("block", [64, 256, 1_000, 1_024, 4_096])
def test_a_thread_that_is_late_within_its_margin_is_not_heard(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    simulated, late = Simulated(monkeypatch, block), random.Random(3)
    simulated.run(0.3)
    simulated.count(RATE)
    simulated.late = lambda: late.uniform(0.0, 0.9 * (MARGIN_S - 0.001))
    simulated.run(1.3)
    shifts = numbers(simulated.heard())
    assert len(shifts) == RATE and len(set(shifts)) == 1 and simulated.ahead.late == 0


def test_a_sound_comes_one_block_and_a_margin_after_its_press_whenever_that_is(monkeypatch: pytest.MonkeyPatch) -> None:
    simulated = Simulated(monkeypatch, 1_024)
    simulated.run(0.2)
    delays = []
    for press in range(40):
        simulated.run(0.1 + 0.0007 * press)
        at = (simulated.now - 10.0) * RATE  # in frames that the device takes evenly
        simulated.mixer.requests.append(simulated.mixer.voice(1, np.full((10, 1), 0.5, np.float32)))
        simulated.run(0.1)
        delays.append(np.nonzero(simulated.heard())[0][-10] - at)
    assert max(delays) <= simulated.ahead.ahead_frames
    assert max(delays) - min(delays) <= (PIECE_S + 0.001) * RATE
    assert simulated.ahead.late == 0


def test_a_thread_that_is_held_up_longer_leaves_silence_and_goes_on_at_the_exact_frame(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    simulated = Simulated(monkeypatch, 256)
    simulated.run(0.3)
    simulated.count(RATE)
    simulated.run(0.3)
    simulated.late = iter([0.030, *[0.0] * 100_000]).__next__
    simulated.run(0.9)
    heard = simulated.heard()
    shifts = numbers(heard)
    assert len(set(shifts)) == 1, "it never shifts against the device"
    missed = {frame // 256 for frame in range(shifts[0] + 1, shifts[0] + RATE + 1) if not heard[frame]}
    assert simulated.ahead.late == len(missed) > 3


def test_after_seconds_without_mixing_nothing_old_is_heard_again(monkeypatch: pytest.MonkeyPatch) -> None:
    simulated = Simulated(monkeypatch, 1_024)
    simulated.run(0.3)
    simulated.count(10 * RATE)
    simulated.run(0.5)
    simulated.late = iter([4.0, *[0.0] * 100_000]).__next__
    simulated.run(6.0)
    assert len(set(numbers(simulated.heard()))) == 1
    simulated.run(2 * FRAMES / RATE)
    assert not simulated.heard()[-FRAMES:].any()


@pytest.mark.parametrize("block", [64, 1_024, 4_096])
def test_a_panic_silences_what_is_mixed_already_and_clicks_nowhere(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    simulated = Simulated(monkeypatch, block)
    simulated.run(0.3)
    for panic in range(20):
        simulated.mixer.requests.append(simulated.mixer.voice(panic, np.full((RATE, 1), 0.5, np.float32), loop=True))
        simulated.run(0.4 + 0.0013 * panic)
        handed_over, before = simulated.taken, simulated.now
        assert simulated.heard()[-1] == 0.5
        simulated.mixer.requests.append(Stop(None, 5.0))
        simulated.run(0.3)
        last = int(np.nonzero(simulated.heard())[0][-1])
        blocks = -(-(last + 1 - handed_over) // block)
        assert (blocks - 1) * block / RATE <= 0.005 + PIECE_S + 0.002 + block / RATE
        assert blocks <= 2 + 0.01 * RATE / block
        assert np.abs(np.diff(simulated.heard()[handed_over - 10 :])).max() < 0.5 / 200
        assert list(simulated.mixer.ended)[-1] == panic and not simulated.mixer.voices
        del before


def test_an_exception_of_the_mixer_is_silent_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    simulated = Simulated(monkeypatch, 256)
    simulated.run(0.1)
    simulated.mixer.requests.append(SimpleNamespace(when=3))
    simulated.run(0.1)
    assert len(simulated.ahead.faults) == 1 and not simulated.heard().any()
