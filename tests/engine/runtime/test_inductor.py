"""Compiled blocks: compiled while warming and never after it, with the result of the network.

A backend that runs each graph as it is stands in for inductor, which takes minutes: what is compiled when is the same.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bridge.config import EngineConfig
from bridge.engine import families
from bridge.engine.audioldm2 import unet
from bridge.engine.audioldm2.denoising import Denoiser
from bridge.engine.audioldm2.engine import AudioLDM2
from bridge.engine.audioldm2.unet import Unet
from bridge.engine.runtime import inductor, ways
from bridge.engine.runtime.inductor import Regional
from bridge.engine.runtime.network import Inputs
from tests.engine.waves import wave


class Counting:
    """A backend that counts the graphs it is asked to compile."""

    graphs = 0

    def __call__(self, graph: torch.fx.GraphModule, _inputs: object) -> Callable[..., Any]:
        self.graphs += 1
        return graph.forward


class ResnetBlock2D(torch.nn.Module):
    """Has the name of a block, and is small."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.line = torch.nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.line(x))


class Rows:
    """A layout in which each number of rows has its key, except for single rows."""

    @staticmethod
    def key(inputs: Inputs) -> int | None:
        return len(inputs[0]) if len(inputs[0]) > 1 else None

    @staticmethod
    def padded(inputs: Inputs) -> Inputs:
        return inputs

    @staticmethod
    def fill(fixed: Inputs, inputs: Inputs) -> None:
        raise AssertionError("only graphs need this")


@pytest.fixture
def small() -> torch.nn.Module:
    """A network of two equal blocks and another one."""
    torch.manual_seed(0)
    return torch.nn.Sequential(
        ResnetBlock2D(4), ResnetBlock2D(4), torch.nn.Linear(4, 6), ResnetBlock2D(6), torch.nn.Tanh()
    ).eval()


def rows(count: int) -> torch.Tensor:
    return torch.randn(count, 4, generator=torch.Generator().manual_seed(count))


@pytest.fixture(scope="module")
def counting() -> Counting:
    return Counting()


@pytest.fixture(scope="module")
def prepared(engine: AudioLDM2, counting: Counting) -> Regional:
    """The network of `engine` with its blocks compiled for a take of two lengths, with guidance and without."""
    network = Regional(Unet(engine.pipe.unet).eval(), unet, counting)
    latents, timestep, *texts = engine._example()
    timestep = timestep.to(engine.pipe.scheduler.timesteps.dtype)
    for units in (1, 2):
        for batch in (2, 1):
            inputs = latents[:batch], timestep, *(text[:batch] for text in texts)
            network.prepare(unet.with_rows(inputs, units * engine.geometry.rows_unit))
    assert network.refused == ""
    return network


@pytest.fixture
def regional(engine: AudioLDM2, prepared: Regional) -> Iterator[AudioLDM2]:
    """The engine with compiled blocks, for one test."""
    previous, engine.denoiser = engine.denoiser, Denoiser(engine.pipe, prepared, "cpu", 0.0)
    yield engine
    engine.denoiser = previous


def test_nothing_is_compiled_after_warming_whatever_is_asked_for(regional: AudioLDM2, counting: Counting) -> None:
    before = counting.graphs
    assert before > 0
    drawn = np.random.default_rng(1)
    unit_s = regional.geometry.rows_unit * regional.geometry.row_seconds
    for number in range(25):
        words = " ".join(["rain"] * int(drawn.choice((1, 3, 6, 80))))
        wave(
            regional, f"{words} {number}", float(drawn.uniform(0.3, 3.5)) * unit_s, seed=number,
            steps=int(drawn.integers(1, 4)), takes=int(drawn.choice((1, 1, 2))), guidance=float(drawn.choice((1.0, 3.5))),
        )  # fmt: skip
    assert counting.graphs == before


def test_prepared_shapes_agree_with_the_network_and_others_are_equal_to_it(
    engine: AudioLDM2, prepared: Regional, counting: Counting
) -> None:
    network, before = Unet(engine.pipe.unet).eval(), counting.graphs
    for units in (1, 2, 3):
        for batch in (1, 2, 3):
            for tokens in (5, 64, 65):
                inputs = _inputs(engine, batch, units * engine.geometry.rows_unit, tokens)
                with torch.no_grad():
                    expected, actual = network(*inputs), prepared(*inputs)
                if unet.key(inputs) in prepared._prepared:
                    assert torch.allclose(actual, expected, rtol=1e-4, atol=1e-5)
                else:
                    assert torch.equal(actual, expected)
    assert len(prepared._prepared) == 4 and counting.graphs == before


def _inputs(engine: AudioLDM2, batch: int, count: int, tokens: int) -> Inputs:
    """Inputs of `count` rows, drawn from a seed."""
    noise = torch.Generator().manual_seed(batch * 1_000 + count * 100 + tokens)
    latents, timestep, gpt2, t5, mask = unet.with_rows(engine._example(), count)
    timestep = timestep.to(engine.pipe.scheduler.timesteps.dtype)
    return (
        torch.randn((batch, *latents.shape[1:]), generator=noise),
        timestep,
        torch.randn((batch, *gpt2.shape[1:]), generator=noise),
        torch.randn((batch, tokens, t5.shape[2]), generator=noise),
        torch.ones(batch, tokens, dtype=mask.dtype),
    )


def test_a_block_that_meets_an_unknown_shape_runs_without_compiling(small: torch.nn.Module) -> None:
    counting = Counting()
    network = Regional(small, Rows, counting)
    network.prepare((rows(2),))
    before = counting.graphs
    network._prepared.add(3)  # as if the layout had missed a difference
    for count in (3, 2, 3):
        with torch.no_grad():
            assert torch.allclose(network(rows(count)), small(rows(count)))
    assert counting.graphs == before


def test_equal_blocks_share_a_graph_and_more_shapes_than_the_compilers_limit_are_kept(small: torch.nn.Module) -> None:
    counting = Counting()
    network = Regional(small, Rows, counting)
    limit = torch._dynamo.config.recompile_limit
    shapes = range(2, limit + 6)
    for count in [*shapes, *shapes, 1]:
        network.prepare((rows(count),))
    assert network.refused == "" and counting.graphs == 2 * len(shapes)  # two kinds of block
    assert torch._dynamo.config.recompile_limit == limit
    for count in [1, *reversed(shapes)]:
        network(rows(count).requires_grad_())
    assert counting.graphs == 2 * len(shapes)


def test_the_network_itself_is_not_changed_and_its_weights_are_held_once(small: torch.nn.Module) -> None:
    network = Regional(small, Rows, Counting())
    network.prepare((rows(2),))
    assert not any("forward" in vars(block) for block in small.modules())
    with torch.no_grad():
        for weight in small.parameters():
            weight.mul_(0.5)
        assert torch.allclose(network(rows(2)), small(rows(2)))


def test_what_cannot_be_compiled_or_returns_something_else_runs_without(
    small: torch.nn.Module, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(graph: torch.fx.GraphModule, _inputs: object) -> Callable[..., Any]:
        raise OSError("no compiler")

    def wrong(graph: torch.fx.GraphModule, _inputs: object) -> Callable[..., Any]:
        return lambda *inputs: [tensor * 1.01 for tensor in graph.forward(*inputs)]

    for backend, words in ((fails, "no compiler"), (wrong, "something else")):
        network = Regional(small, Rows, backend)
        with caplog.at_level("INFO", "clipbridge"):
            network.prepare((rows(2),))
        assert words in network.refused and words in caplog.text
        with torch.no_grad():
            assert torch.equal(network(rows(2)), small(rows(2)))
        with pytest.raises(RuntimeError, match=words):
            inductor.compiled(small, Rows, (rows(2),), backend)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_without_cuda_it_is_reported_and_the_network_runs_without(engine: AudioLDM2) -> None:
    network = Unet(engine.pipe.unet).eval()
    opened = ways.open_network("inductor", network, unet, engine._example)
    assert opened.way == "off" and opened.network is network
    assert "engine.compile = inductor does not work here" in opened.shortcoming and "CUDA" in opened.shortcoming


@pytest.mark.parametrize(("hip", "way"), [(None, "graphs"), ("7.0", "off")])
def test_graphs_are_the_default_on_nvidia_cards_only(
    hip: str | None, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.version, "hip", hip)
    assert ways.way_of("auto", "cuda") == way
    assert ways.way_of("graphs", "cuda") == "graphs" and ways.way_of("auto", "cpu") == "openvino"


def test_caches_are_kept_in_our_folder_unless_the_user_has_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    monkeypatch.setenv("TRITON_CACHE_DIR", "elsewhere")
    inductor.keep_caches(tmp_path)
    from torch._inductor.runtime.cache_dir_utils import cache_dir

    assert Path(cache_dir()) == tmp_path and os.environ["TRITON_CACHE_DIR"] == "elsewhere"
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR")


def test_importing_it_does_not_import_the_compiler() -> None:
    code = "import sys, bridge.engine.runtime.ways; sys.exit('torch._dynamo' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=120, check=False).returncode == 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="compiles for a GPU")
def test_inductor_compiles_on_cuda_and_gives_the_sound_of_the_network(tmp_path: Path) -> None:
    engines = []
    for compile_ in ("off", "inductor"):
        config = EngineConfig(model="untrained", compute="cuda", compile=compile_)
        engine = families.open_engine(config, cache=tmp_path)
        engine.load(lambda done, total, what: None)
        engine.warm(lambda done, total, what: None)
        engines.append(engine)
    graphs = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    for seconds in (0.5, 0.7, 1.0):
        expected, actual = (wave(engine, seconds=seconds) for engine in engines)  # type: ignore[arg-type]
        assert np.abs(actual - expected).max() <= 0.05 * np.abs(expected).max()
    network = engines[1].denoiser.network  # type: ignore[attr-defined]
    assert engines[1].compiled == "inductor" and isinstance(network, Regional) and network.refused == ""  # type: ignore[attr-defined]
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == graphs > 0
