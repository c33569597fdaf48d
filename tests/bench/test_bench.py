"""`clipbridge bench` measures what it says, on the small checkpoint."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from bridge.cli import main
from tests.harness import environment

BENCH = ["bench", "--compute", "cpu"]


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A user's folders, as the command would find them; and torch's threads as they were."""
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_bench_puts_the_engine_beside_the_plain_pipeline_and_the_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--model", "untrained", "--seconds", "0.5", "--rounds", "1", "--requests", "3", "--json"]
    assert main([*BENCH, *options]) == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert figures["checkpoint"] == "untrained" and figures["compute"] == "cpu, network: off"
    seconds = {name: float(value.split()[0]) for name, value in figures.items() if name.startswith("0.5 s")}
    assert len(seconds) == 7 and all(value > 0 for value in seconds.values())
    plain, recipe = (next(v for n, v in seconds.items() if what in n) for what in ("plain", "baseline"))
    assert plain > 3 * recipe  # 200 steps beside 20
    (floor,) = (value for name, value in seconds.items() if "floor" in name)
    assert floor < recipe


@pytest.mark.parametrize("options", [["--rounds", "0"], ["--requests", "-1"], ["--seconds", "0"], ["--seconds", "nan"]])
def test_bench_refuses_what_cannot_be_measured(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*BENCH, *options]) == 2
    assert "at least 1" in capsys.readouterr().err
