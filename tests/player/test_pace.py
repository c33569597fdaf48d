"""When a device takes its frames, guessed from looks at how many it has taken."""

from __future__ import annotations

import random

import pytest

from bridge.player.pace import LOOK_S, Pace

RATE, PIECE_S = 48_000, 0.002


class Device:
    """A simulated device. `takes`: its blocks in seconds and frames; each comes up to `late_s` late."""

    def __init__(self, block: int, seconds: float, late_s: float = 0.0, rate: float = RATE) -> None:
        self.random = random.Random(7)
        self.takes = [
            (1.0 + number * block / rate + self.random.uniform(0.0, late_s), (number + 1) * block)
            for number in range(int(seconds * rate / block))
        ]

    def taken(self, at: float) -> int:
        return max((frames for when, frames in self.takes if when <= at), default=0)

    def looked_at(self, pace: Pace, until: float) -> None:
        """Looks at every piece, as the mixing thread does, and where the pace asks for one."""
        at = 1.0 - PIECE_S
        while at < until:
            pace.look(at, self.taken(at), at)
            at = min(at + PIECE_S, pace.next_look(at)) if pace.is_known else at + PIECE_S


@pytest.mark.parametrize("block", [32, 64, 256, 441, 1_024, 4_096])
def test_the_time_of_a_block_is_known_to_a_millisecond(block: int) -> None:
    device, pace = Device(block, 1.5), Pace(RATE)
    device.looked_at(pace, 2.2)
    for when, frames in device.takes[-10:]:
        assert abs(pace.time_of(frames) - when) < 0.001
        assert pace.frame_at(pace.time_of(frames)) == pytest.approx(frames)


def test_a_block_that_comes_late_hardly_moves_the_others(block: int = 512) -> None:
    device, pace = Device(block, 3.0, late_s=0.004), Pace(RATE)
    device.looked_at(pace, 3.5)
    for number, (_, frames) in enumerate(device.takes):
        when = 1.0 + number * block / RATE
        assert -0.0015 < pace.time_of(frames) - when < 0.0015


@pytest.mark.parametrize("rate", [RATE * 1.0003, RATE * 0.9997])
def test_a_device_with_another_clock_is_followed(rate: float) -> None:
    device, pace = Device(1_024, 20.0, rate=rate), Pace(RATE)
    device.looked_at(pace, 20.0)
    when, frames = device.takes[int(18.5 * rate / 1_024)]
    assert abs(pace.time_of(frames) - when) < 2 * LOOK_S


def test_a_device_that_stopped_for_a_while_or_takes_other_blocks_is_followed() -> None:
    device, pace = Device(1_024, 1.0), Pace(RATE)
    last, frames = device.takes[-1]
    device.takes += [(last + 0.5 + number * 256 / RATE, frames + (number + 1) * 256) for number in range(200)]
    device.looked_at(pace, last + 1.4)
    when, frames = device.takes[-30]
    assert pace.block == 256 and abs(pace.time_of(frames) - when) < 0.001
