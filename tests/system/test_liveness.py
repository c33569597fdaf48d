"""Liveness with invented processor times: which silent processes hang, and when."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bridge.system.liveness import MOST_BUDGETS, Liveness

BUDGET_S, TICK_S = 10.0, 0.25


def killed_after(used: Callable[[float], float], cores: float = 1.0, signs: tuple[float, ...] = ()) -> float:
    """Seconds from the last sign of life until a process with this processor time, a function of the time, hangs. `cores`: what it
    used while it worked."""
    liveness = Liveness()
    liveness.expect(BUDGET_S, 0.0)
    for tick in range(20):
        liveness.hangs(tick * TICK_S, tick * TICK_S * cores)
        liveness.sign(tick * TICK_S)
    start, worked = 20 * TICK_S, 20 * TICK_S * cores
    liveness.sign(start)
    now, last = 0.0, 0.0
    while now < 1_000:
        now += TICK_S
        if any(now - TICK_S < sign <= now for sign in signs):
            liveness.sign(start + now)
            last = now
        if liveness.hangs(start + now, worked + used(now)):
            return now - last
    return float("inf")


def test_a_process_that_does_nothing_hangs_after_its_budget() -> None:
    assert killed_after(lambda now: 0.0) == pytest.approx(BUDGET_S, abs=2 * TICK_S)


def test_a_process_that_stops_after_some_work_hangs_a_budget_later() -> None:
    assert killed_after(lambda now: min(now, 3.0)) == pytest.approx(3.0 + BUDGET_S, abs=2 * TICK_S)


@pytest.mark.parametrize("cores", [1.0, 2.0, 16.0])
def test_a_process_that_computes_with_all_it_ever_used_hangs_after_its_budget(cores: float) -> None:
    assert killed_after(lambda now: now * cores, cores) == pytest.approx(BUDGET_S, abs=2 * TICK_S)


@pytest.mark.parametrize("cores", [1.0, 2.0, 16.0])
@pytest.mark.parametrize("share", [0.01, 0.03, 0.05, 0.2])
def test_a_starved_process_has_as_much_longer_as_it_is_slower(share: float, cores: float) -> None:
    longest = min(BUDGET_S / share, MOST_BUDGETS * BUDGET_S)
    assert killed_after(lambda now: now * share * cores, cores) == pytest.approx(longest, rel=0.1)


def test_threads_that_tick_beside_one_that_hangs_do_not_keep_it_alive() -> None:
    assert killed_after(lambda now: now * 0.0005) < 3 * BUDGET_S
    assert killed_after(lambda now: now * 0.01) <= MOST_BUDGETS * BUDGET_S + 2 * TICK_S


def test_each_sign_of_life_begins_a_new_budget() -> None:
    assert killed_after(lambda now: 0.0, signs=(5.0, 12.0, 20.0)) == pytest.approx(BUDGET_S, abs=2 * TICK_S)
    assert killed_after(lambda now: now, signs=(9.0, 18.0, 27.0)) == pytest.approx(BUDGET_S, abs=2 * TICK_S)


def test_without_processor_times_and_after_a_pause_wall_time_decides() -> None:
    liveness = Liveness()
    assert not liveness.hangs(1e6, None)
    liveness.expect(BUDGET_S, 0.0)
    assert not liveness.hangs(9.9, None) and liveness.hangs(10.1, None)
    liveness.pause(5.0)
    assert not liveness.hangs(14.9, None) and liveness.hangs(15.1, None)


def test_a_new_process_begins_with_its_own_processor_time() -> None:
    liveness = Liveness()
    liveness.expect(BUDGET_S, 0.0)
    assert not liveness.hangs(1.0, 500.0)
    liveness.begin(2.0)
    assert not liveness.hangs(2.5, 0.1) and not liveness.hangs(11.0, 0.2)
    assert liveness.hangs(22.0, 0.2)
