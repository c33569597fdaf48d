"""`clipbridge bench` measures what it says, on the small checkpoint."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness import environment

BENCH = [sys.executable, "-m", "bridge", "bench", "--compute", "cpu"]


def test_bench_puts_the_engine_beside_the_plain_pipeline_and_the_recipe(tmp_path: Path) -> None:
    options = ["--model", "untrained", "--seconds", "0.5", "--rounds", "1", "--requests", "3", "--json"]
    run = subprocess.run(
        [*BENCH, *options], env=environment(tmp_path), capture_output=True, text=True, timeout=200, check=False
    )
    assert run.returncode == 0, run.stderr[-2000:]
    figures = json.loads(run.stdout.splitlines()[-1])
    assert figures["checkpoint"] == "untrained" and figures["compute"] == "cpu, network: trace"
    assert figures["traces made after ready"] == "0"
    seconds = {name: float(value.split()[0]) for name, value in figures.items() if name.startswith("0.5 s")}
    assert len(seconds) == 7 and all(value > 0 for value in seconds.values())
    plain, recipe = (next(v for n, v in seconds.items() if what in n) for what in ("plain", "baseline"))
    assert plain > 3 * recipe  # 200 steps beside 20
    (floor,) = (value for name, value in seconds.items() if "floor" in name)
    assert floor < recipe


@pytest.mark.parametrize("options", [["--rounds", "0"], ["--requests", "-1"], ["--seconds", "0"], ["--seconds", "nan"]])
def test_bench_refuses_what_cannot_be_measured(tmp_path: Path, options: list[str]) -> None:
    run = subprocess.run([*BENCH, *options], env=environment(tmp_path), capture_output=True, text=True, check=False)
    assert run.returncode == 2 and "at least 1" in run.stderr
