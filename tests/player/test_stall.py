"""A device that requests no audio is lost; a player that was starved has only not looked."""

from __future__ import annotations

import pytest

from bridge.player.stall import MOST_POLL_S, Stall


def test_a_device_that_requests_nothing_stalls_from_its_last_frame_on() -> None:
    stall = Stall(0.0)
    assert [stall.seconds(at / 20, min(at, 40)) for at in range(1, 80)][-1] == pytest.approx(79 / 20 - 2.0)


def test_the_time_in_which_the_player_itself_did_not_run_does_not_count() -> None:
    stall = Stall(0.0)
    assert stall.seconds(0.05, 10) == 0.0
    assert stall.seconds(60.0, 10) == pytest.approx(MOST_POLL_S)
    assert stall.seconds(60.05, 10) == pytest.approx(MOST_POLL_S + 0.05)
    assert stall.seconds(61.0, 20) == 0.0
