"""CUDA graphs of the network: one for each shape, with the same sound; without a graph where none is possible.

A stand-in captures instead of CUDA, with the same rule: each replay reads and writes the same tensors.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from bridge.config import EngineConfig
from bridge.engine import families, runner
from bridge.engine.audioldm2 import unet
from bridge.engine.audioldm2.denoising import Denoiser
from bridge.engine.audioldm2.engine import AudioLDM2
from bridge.engine.audioldm2.unet import Unet
from bridge.engine.runtime import graphs, ways
from bridge.engine.runtime.graphs import Captured, Run
from tests.engine.waves import wave


def stand_in(run: Run) -> Run:
    """Replay into one tensor, as a CUDA graph does."""
    answer = run()

    def replay() -> torch.Tensor:
        return answer.copy_(run())

    return replay


def alike(actual: np.ndarray, expected: np.ndarray) -> bool:
    """Equal, but for the order in which sums over padded texts are added."""
    return bool(np.abs(actual - expected).max() <= 1e-5 * np.abs(expected).max())


@pytest.fixture
def captured(engine: AudioLDM2, monkeypatch: pytest.MonkeyPatch) -> Captured:
    """The network of `engine` by graphs, for one test."""
    network = ways.captured(Unet(engine.pipe.unet).eval(), unet, engine._example(), stand_in)
    monkeypatch.setattr(engine, "denoiser", Denoiser(engine.pipe, network, "cpu", 0.0))
    return network


@pytest.fixture
def plain(engine: AudioLDM2) -> Iterator[AudioLDM2]:
    """The engine without graphs, for one test."""
    previous, engine.denoiser = engine.denoiser, Denoiser(engine.pipe, Unet(engine.pipe.unet).eval(), "cpu", 0.0)
    yield engine
    engine.denoiser = previous


LONG = "a long prompt about rain that falls on a tin roof in the night, far away, with thunder " * 6
ASKS = [
    {"text": text, "seconds": seconds, "takes": takes, "guidance": guidance, "negative": negative}
    for text in ("rain", LONG)
    for seconds in (0.1, 1.0)
    for takes, guidance, negative in ((1, 3.5, "Low quality."), (1, 3.5, LONG), (2, 3.5, ""), (1, 1.0, ""))
]


def test_graphs_give_the_sound_of_the_network_after_any_other_prompt(plain: AudioLDM2) -> None:
    expected = [wave(plain, **ask) for ask in ASKS]  # type: ignore[arg-type]
    network = ways.captured(Unet(plain.pipe.unet).eval(), unet, plain._example(), stand_in)
    plain.denoiser = Denoiser(plain.pipe, network, "cpu", 0.0)
    for ask, sound in reversed(list(zip(ASKS, expected, strict=True))):  # short texts after long ones
        assert alike(wave(plain, **ask), sound)
    assert network.refused == ""


def test_a_shape_is_captured_once_and_prompts_of_a_width_share_it(engine: AudioLDM2, captured: Captured) -> None:
    for rows in range(engine.geometry.rows_unit, engine.geometry.rows_for(2.0) + 1, engine.geometry.rows_unit):
        captured.prepare(unet.with_rows(engine._example(), rows))
    before = captured.captures
    drawn = np.random.default_rng(1)
    for number in range(20):
        words = " ".join(["rain"] * int(drawn.integers(1, 6)))
        wave(engine, f"{words} {number}", float(drawn.uniform(0.1, 2.0)), seed=number, steps=1)
    assert captured.captures == before
    wave(engine, "rain", 1.0, takes=3)
    wave(engine, "wind", 1.0, takes=3)
    assert captured.captures == before + 1


def test_the_result_of_a_step_is_not_overwritten_by_the_next(captured: Captured, engine: AudioLDM2) -> None:
    noise, timestep, *texts = engine._example()
    with torch.no_grad():
        first = captured(noise, timestep, *texts)
        copy = first.clone()
        captured(noise * 2, timestep, *texts)
    assert torch.equal(first, copy)


def test_inputs_that_are_too_large_or_too_wide_run_without_a_graph(
    captured: Captured, engine: AudioLDM2, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = captured.captures
    with monkeypatch.context() as patch:
        patch.setattr(unet, "MOST_ROWS", 2 * engine.geometry.rows_for(0.5) - 1)
        assert np.isfinite(wave(engine, seconds=0.5)).all()
    with monkeypatch.context() as patch:
        patch.setattr(unet, "WIDTHS", (2,))
        assert np.isfinite(wave(engine, LONG)).all()
    assert captured.captures == before
    wave(engine, LONG)
    assert captured.captures > before


def test_fractional_timesteps_are_not_cut_to_whole_numbers(engine: AudioLDM2, captured: Captured) -> None:
    noise, timestep, *texts = engine._example()
    with torch.no_grad():
        captured(noise, timestep, *texts)
        between = torch.tensor(500.7)
        expected = Unet(engine.pipe.unet).eval()(noise, between, *texts)
        assert torch.allclose(captured(noise, between, *texts), expected, rtol=1e-4, atol=1e-6)


def test_infinite_states_do_not_stay_in_the_padding_of_the_next_text(engine: AudioLDM2, captured: Captured) -> None:
    noise, timestep, gpt2, t5, mask = engine._example()
    broken = torch.cat([t5, torch.full_like(t5, torch.inf)], dim=1)
    with torch.no_grad():
        expected = captured(noise, timestep, gpt2, t5, mask)
        captured(noise, timestep, gpt2, broken, torch.cat([mask, mask], dim=1))
        assert torch.equal(captured(noise, timestep, gpt2, t5, mask), expected)


def test_the_number_of_graphs_is_limited_and_the_last_used_one_stays(
    engine: AudioLDM2, captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphs, "MOST_GRAPHS", 2)
    for seconds in (0.1, 0.5, 0.1, 1.0, 0.1):
        wave(engine, seconds=seconds)
    before = captured.captures
    wave(engine, seconds=0.1)
    assert captured.captures == before
    wave(engine, seconds=0.5)
    assert captured.captures == before + 1


def test_a_shape_that_cannot_be_captured_runs_without_a_graph_and_is_not_tried_again(
    plain: AudioLDM2, caplog: pytest.LogCaptureFixture
) -> None:
    expected = wave(plain, seconds=1.0)
    tried = []

    def fails(run: Run) -> Run:
        tried.append(run)
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 MiB")

    network = Captured(Unet(plain.pipe.unet).eval(), unet, fails)
    plain.denoiser = Denoiser(plain.pipe, network, "cpu", 0.0)
    with caplog.at_level("INFO", "clipbridge"):
        for _ in range(2):
            assert alike(wave(plain, seconds=1.0), expected)
    assert len(tried) == 1 and "out of memory" in network.refused and "no CUDA graph" in caplog.text
    network.forget()
    wave(plain, seconds=1.0)
    assert len(tried) == 2


def test_a_graph_that_returns_something_else_is_not_used(plain: AudioLDM2) -> None:
    expected = wave(plain)

    def wrong(run: Run) -> Run:
        return lambda: run() * 1.01

    network = Captured(Unet(plain.pipe.unet).eval(), unet, wrong)
    plain.denoiser = Denoiser(plain.pipe, network, "cpu", 0.0)
    assert alike(wave(plain), expected) and "something else" in network.refused
    nothing = Captured(Unet(plain.pipe.unet).eval(), unet, lambda run: lambda: run() * math.nan)
    plain.denoiser = Denoiser(plain.pipe, nothing, "cpu", 0.0)
    assert alike(wave(plain), expected)


def test_graphs_are_freed_when_memory_runs_out(
    engine: AudioLDM2, captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    wave(engine, seconds=0.5)
    before = captured.captures

    tried = []

    def full(*_: object) -> None:
        tried.append(captured.has_graphs)
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")

    with monkeypatch.context() as patch:
        patch.setattr(engine.decoder, "pieces", full)
        with pytest.raises(runner.OutOfMemory):
            wave(engine, seconds=0.5)
    assert len(tried) == 2 and not captured.has_graphs  # again, with the memory of the graphs
    captures = captured.captures
    wave(engine, seconds=0.5)
    assert captured.captures == captures + 1 > before


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_graphs_without_cuda_are_reported_and_the_network_runs_without(
    engine: AudioLDM2,
) -> None:
    opened = ways.open_network("graphs", Unet(engine.pipe.unet).eval(), unet, engine._example)
    assert opened.way == "off" and "engine.compile = graphs does not work here" in opened.shortcoming


@pytest.mark.skipif(not torch.cuda.is_available(), reason="captures on a GPU")
def test_cuda_captures_the_network_and_gives_its_sound() -> None:
    engines = []
    for compile_ in ("off", "graphs"):
        engine = families.open_engine(EngineConfig(model="untrained", compute="cuda", compile=compile_))
        engine.load(lambda done, total, what: None)
        engine.warm(lambda done, total, what: None)
        engines.append(engine)
    for ask in ASKS:
        expected, actual = (wave(engine, **ask) for engine in engines)  # type: ignore[arg-type]
        assert np.abs(actual - expected).max() <= 0.05 * np.abs(expected).max()
    network = engines[1].denoiser.network  # type: ignore[attr-defined]
    assert engines[1].compiled == "graphs" and isinstance(network, Captured) and network.refused == ""  # type: ignore[attr-defined]
