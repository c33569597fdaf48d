"""All threads while the cores are free, one beside busy programs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from bridge.engine.runtime import threads
from bridge.engine.runtime.threads import Threads


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, and the step by which it advances at each reading."""
    state = [100.0, 0.0]

    def look() -> float:
        state[0] += state[1]
        return state[0]

    monkeypatch.setattr(threads.time, "monotonic", look)
    return state


def test_free_cores_are_all_used(clock: list[float]) -> None:
    torch.set_num_threads(1)
    Threads(2).choose()
    assert torch.get_num_threads() == 2


def test_beside_a_busy_program_one_thread_works_until_the_cores_are_free_again(clock: list[float]) -> None:
    chooser = Threads(2)
    clock[1] = 0.005  # the system takes 5 ms to hand a core back
    chooser.choose()
    assert torch.get_num_threads() == 1
    clock[1] = 0.0
    chooser.choose()
    assert torch.get_num_threads() == 1  # no new probe yet
    clock[0] += threads.PAUSE_S + 1
    chooser.choose()
    assert torch.get_num_threads() == 2


def test_the_numbers_of_a_run_are_recorded_in_the_order_of_its_steps(clock: list[float]) -> None:
    chooser = Threads(2)
    assert chooser.used == ""
    for _ in range(3):
        chooser.choose()
    assert chooser.used == "2"
    clock[1] = 0.005
    chooser.choose()
    clock[1] = 0.0
    chooser.choose()
    clock[0] += threads.PAUSE_S + 1
    chooser.choose()
    assert chooser.used == "2x3 1x2 2x1"
    chooser.begin()
    chooser.choose()
    assert chooser.used == "2"


def test_what_runs_on_one_thread_leaves_the_number_as_it_was() -> None:
    torch.set_num_threads(2)
    with pytest.raises(ValueError), threads.one_thread():
        assert torch.get_num_threads() == 1
        raise ValueError
    assert torch.get_num_threads() == 2


def test_an_engine_of_one_thread_stays_at_one(clock: list[float]) -> None:
    torch.set_num_threads(1)
    Threads(1).choose()
    assert torch.get_num_threads() == 1
