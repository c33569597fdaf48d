"""A fixed number of threads, which sleep while they wait."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest
import torch

from bridge.engine.runtime import threads


def test_an_engine_uses_the_physical_cores_that_it_may_unless_a_number_is_requested(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "5,2")
    assert threads.number(3) == 3 and threads.number() == 5
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    monkeypatch.setattr(psutil, "cpu_count", lambda logical: 64 if logical else 32)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(6)), raising=False)
    assert threads.number() == 6
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(64)), raising=False)
    assert threads.number() == 32
    monkeypatch.setattr(psutil, "cpu_count", lambda logical: None)  # not known
    assert threads.number() == 64
    monkeypatch.delattr(os, "sched_getaffinity")  # macOS and Windows
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert threads.number() == 1


def test_what_runs_on_one_thread_leaves_the_number_as_it_was() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    with pytest.raises(ValueError), threads.one_thread():
        assert torch.get_num_threads() == 1
        raise ValueError
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


def test_threads_that_the_user_lets_spin_spin() -> None:
    code = (
        "import os; from bridge.system import waiting; waiting.let_threads_sleep(); "
        "print(os.environ['GOMP_SPINCOUNT'], os.environ['KMP_BLOCKTIME'])"
    )
    said = [
        subprocess.run([sys.executable, "-c", code], env={**os.environ, **own}, capture_output=True, text=True).stdout
        for own in ({}, {"GOMP_SPINCOUNT": "7"})
    ]
    assert said == ["1000 0\n", "7 0\n"]
