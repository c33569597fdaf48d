"""`clipbridge bench` measures what it says: on the small checkpoint, and with the starter's converted networks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bridge.bench import steadiness
from bridge.bench.apart import Apart
from bridge.cli import main
from bridge.errors import NoModel
from tests import prepared
from tests.harness import environment

BENCH = ["bench", "--compute", "cpu"]


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's folders, as the command would find them; and one thread for the recipe, whose threads would spin beside other tests."""
    for name, value in (environment(tmp_path) | {"OMP_NUM_THREADS": "1"}).items():
        monkeypatch.setenv(name, value)


def test_bench_puts_the_engine_beside_the_plain_pipeline_and_the_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--model", "untrained", "--seconds", "0.5", "--rounds", "1", "--requests", "3", "--json"]
    assert main([*BENCH, *options]) == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert figures["checkpoint"] == "untrained" and figures["compute"] == "cpu, network: off"
    seconds = {name: float(value.split()[0]) for name, value in figures.items() if name.startswith("0.5 s")}
    assert len(seconds) == 8 and all(value > 0 for value in seconds.values())
    plain, recipe = (next(v for n, v in seconds.items() if what in n) for what in ("plain", "baseline"))
    assert plain > recipe  # 200 steps beside 20
    (floor,) = (value for name, value in seconds.items() if "floor" in name)
    assert floor < recipe


def test_the_same_ask_gives_the_same_bytes_beside_busy_programs_and_in_a_batch(tmp_path: Path) -> None:
    cache = tmp_path / "converted"
    shutil.copytree(prepared.starter(), cache)
    with Apart("bridge.bench.ours:Ours", True, "starter", "cpu", cache) as ours:
        ours.ask("start")
        assert ours.ask("facts")["network"] == "openvino"
        figures = steadiness.figures(ours, 0.5, 1, steadiness.alone(ours, 0.5))
    (same,) = (value for name, value in figures.items() if "equal bytes" in name)
    assert same == "yes"


def test_an_object_apart_raises_here_what_it_raises_there(tmp_path: Path) -> None:
    with pytest.raises(NoModel, match="no checkpoint"):
        Apart("bridge.bench.ours:Ours", True, "nobody/nothing", "cpu", tmp_path)


@pytest.mark.parametrize("options", [["--rounds", "0"], ["--requests", "-1"], ["--seconds", "0"], ["--seconds", "nan"]])
def test_bench_refuses_what_cannot_be_measured(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*BENCH, *options]) == 2
    assert "at least 1" in capsys.readouterr().err
