"""A job that cannot fit into memory is refused before it runs, with one that would fit; and the estimate is close."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from bridge.domain.clip import Prompt
from bridge.engine import needs as memory
from bridge.engine.audioldm2 import engine as audioldm2
from bridge.engine.audioldm2.engine import AudioLDM2
from bridge.engine.needs import Needs
from bridge.engine.runtime import memory as measured
from bridge.errors import OutOfMemory
from tests.harness import Daemon


def prompt(seconds: float, takes: int = 1, guidance: float = 3.5) -> Prompt:
    return Prompt("rain", "rain", seconds, seed=1, steps=2, takes=takes, guidance=guidance)


def test_a_peak_counts_new_tensors_that_live_at_the_same_time() -> None:
    old = torch.zeros(1_000_000)
    with measured.peak("cpu") as peak:
        for _ in range(5):
            freed = old + 1.0
            del freed
        last = old * 2
        other = last.view(1_000, 1_000).t() + 1
        del other
    assert 8_000_000 <= peak.bytes < 8_100_000 and len(last) == 1_000_000


def test_a_tensor_at_the_address_of_an_old_one_is_counted() -> None:
    most = []
    for _ in range(20):
        with measured.peak("cpu") as peak:
            old = torch.from_numpy(np.zeros(4))  # not by an operation of torch
            used = old + 1
            del old, used
            new = torch.zeros(1_000_000)
            del new
        most.append(peak.bytes)
    assert set(most) == {4_000_000}


@pytest.fixture(scope="module")
def warmed(engine: AudioLDM2) -> AudioLDM2:
    engine.warm(lambda done, total, what: None)
    return engine


@pytest.mark.parametrize(("seconds", "takes", "guidance"), [(4.0, 1, 3.5), (20.0, 1, 1.0), (6.0, 8, 3.5)])
def test_a_job_takes_at_most_its_estimate_and_at_least_half_of_it(
    warmed: AudioLDM2, seconds: float, takes: int, guidance: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The estimate leaves ranking out: its memory does not depend on the length, and it may fail.
    monkeypatch.setattr(audioldm2, "by_ear", lambda *_: ())
    ask = prompt(seconds, takes, guidance)
    with measured.peak("cpu") as peak:
        for _ in warmed.generate(ask, lambda step, steps: None):
            pass
    estimate = warmed.needs.bytes(seconds, takes, 2 if guidance > 1 else 1)
    assert peak.bytes <= estimate <= 2 * peak.bytes


def test_a_job_that_does_not_fit_is_refused_with_two_that_do() -> None:
    needs = Needs(denoise=10e6, decode=30e6, budget=1_000_000_000)
    memory.check(prompt(20.0), needs, "cpu")
    with pytest.raises(OutOfMemory) as refused:
        memory.check(prompt(20.0, takes=16), needs, "cpu")
    takes, seconds = map(int, re.findall(r"ask for takes (\d+) or (\d+) seconds", str(refused.value))[0])
    memory.check(prompt(20.0, takes=takes), needs, "cpu")
    memory.check(prompt(seconds, takes=16), needs, "cpu")
    with pytest.raises(OutOfMemory):
        memory.check(prompt(20.0, takes=takes + 1), needs, "cpu")
    with pytest.raises(OutOfMemory, match="ask for 26 seconds"):
        memory.check(prompt(150.0), needs, "cpu")
    with pytest.raises(OutOfMemory, match="smaller checkpoint"):
        memory.check(prompt(1.0), Needs(1e9, 1e9, 1_000_000), "cuda")


def test_without_guidance_twice_as_many_takes_fit() -> None:
    needs = Needs(denoise=10e6, decode=1e6, budget=1_000_000_000)
    memory.check(prompt(9.0, takes=8, guidance=1.0), needs, "cpu")
    with pytest.raises(OutOfMemory):
        memory.check(prompt(9.0, takes=8), needs, "cpu")


def test_without_a_budget_the_free_memory_of_the_system_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    needs = Needs(denoise=10e6, decode=10e6)
    memory.check(prompt(20.0), needs, "cpu")
    monkeypatch.setattr(memory.psutil, "virtual_memory", lambda: type("Free", (), {"available": 5_000_000}))
    with pytest.raises(OutOfMemory):
        memory.check(prompt(20.0), needs, "cpu")


def test_a_daemon_with_little_memory_refuses_a_large_job_at_once_and_does_a_small_one(small_daemon: Daemon) -> None:
    client = small_daemon.client()
    client.send("/bridge/generate", "endless rain", 150.0, "takes", 16, "id", "too much")
    _, (_, code, why) = client.until("/bridge/failed", timeout_s=2, job="too much")
    assert code == "out_of_memory" and "takes " in why and "GB" in why
    client.send("/bridge/generate", "rain", 0.5, "id", "little", "steps", 2)
    assert client.end_of("little")[0] == "/bridge/done"
    _, values = client.ask("/bridge/status")
    status = dict(zip(values[1::2], values[2::2], strict=True))
    assert 100 < status["peak_mb"] < 1_500
