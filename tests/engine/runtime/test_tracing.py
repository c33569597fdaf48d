"""The traced network: the same sound, from a file that is checked first; without a trace if that fails."""

from __future__ import annotations

import copy
import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from bridge.config import EngineConfig
from bridge.engine.audioldm2.engine import AudioLDM2
from bridge.engine.audioldm2.unet import Unet
from bridge.engine.families import open_engine
from bridge.engine.runtime import tracing
from bridge.engine.runtime.network import Inputs
from tests.engine.waves import wave


def opened(cache: Path, **config: object) -> AudioLDM2:
    engine = open_engine(EngineConfig(**{"model": "untrained", "compute": "cpu", **config}), cache)  # type: ignore[arg-type]
    engine.load(lambda done, total, what: None)
    assert isinstance(engine, AudioLDM2)
    return engine


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def own(cache: Path, plain: AudioLDM2, tmp_path: Path) -> Path:
    """A cache for one test, with the same checkpoint."""
    return Path(shutil.copytree(cache, tmp_path / "own", ignore=shutil.ignore_patterns("traces")))


@pytest.fixture(scope="module")
def plain(cache: Path) -> Iterator[AudioLDM2]:
    yield opened(cache, compile="off")


@pytest.fixture(scope="module")
def traced(cache: Path) -> Iterator[AudioLDM2]:
    yield opened(cache)


@pytest.mark.parametrize(
    ("seconds", "takes", "guidance"),
    [*itertools.product((0.1, 0.5, 2.56), (1, 3), (1.0, 3.5)), (7.0, 1, 3.5)],
)
def test_one_trace_serves_every_length_batch_and_prompt_bit_for_bit(
    plain: AudioLDM2, traced: AudioLDM2, seconds: float, takes: int, guidance: float
) -> None:
    for text in ("rain", "a long prompt about rain that falls on a tin roof in the night, far away, with thunder"):
        ask = {"text": text, "seconds": seconds, "takes": takes, "guidance": guidance, "steps": 2}
        assert np.array_equal(wave(plain, **ask), wave(traced, **ask))  # type: ignore[arg-type]


def test_the_trace_is_kept_and_the_next_start_reads_it(cache: Path, traced: AudioLDM2) -> None:
    (file,) = (cache / "traces").glob("*.pt")
    before = file.stat().st_mtime_ns
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.jit, "trace", None)  # would fail
        again = opened(cache)
    assert again.shortcoming == "" and file.stat().st_mtime_ns == before
    assert np.array_equal(wave(again), wave(traced))


@pytest.mark.parametrize("damage", ["cut", "empty", "rubbish", "another network", "a folder"])
def test_a_damaged_trace_or_one_of_another_network_is_replaced(
    cache: Path, traced: AudioLDM2, tmp_path: Path, damage: str
) -> None:
    folder = Path(shutil.copytree(cache / "traces", tmp_path / "traces"))
    (file,) = folder.glob("*.pt")
    unet, whole = traced.pipe.unet, file.read_bytes()
    if damage == "another network":
        unet = copy.deepcopy(unet)
        unet.conv_out.weight.data.mul_(1.5)
    elif damage == "a folder":
        file.unlink()
        file.mkdir()
    else:
        file.write_bytes(
            {"cut": whole[: len(whole) // 2], "empty": b"", "rubbish": b"PK\x03\x04" + bytes(5_000)}[damage]
        )
    name = f"{traced.checkpoint.name} {traced.checkpoint.revision}"
    network, inputs = Unet(unet).eval(), example(traced)
    again = tracing.traced(network, inputs, folder, name)
    with torch.no_grad():
        assert torch.equal(again(*inputs), network(*inputs))
    assert file.read_bytes()[:2] == whole[:2]


def test_a_trace_that_ended_the_process_is_not_tried_again(
    own: Path, cache: Path, traced: AudioLDM2, plain: AudioLDM2
) -> None:
    shutil.copytree(cache / "traces", own / "traces")
    (file,) = (own / "traces").glob("*.pt")
    file.rename(file.with_suffix(tracing.TRYING))
    again = opened(own)
    assert again.shortcoming == "" and np.array_equal(wave(again), wave(plain))
    assert [trace.name for trace in (own / "traces").iterdir()] == [file.name]


def example(engine: AudioLDM2) -> Inputs:
    text = engine.texts.encoded("warm up")
    noise = torch.randn(2, engine.pipe.unet.config.in_channels, 16, 16)
    states = [torch.cat([state, state]) for state in (text.gpt2, text.t5, text.mask)]
    return noise, torch.tensor(500), states[0], states[1], states[2]


def test_without_a_cache_the_network_is_traced_at_each_start(own: Path, plain: AudioLDM2) -> None:
    (own / "traces").write_text("a file where the folder should be")
    again = opened(own)
    assert again.shortcoming == "" and np.array_equal(wave(again), wave(plain))


def test_only_a_few_traces_are_kept(tmp_path: Path, plain: AudioLDM2, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "KEPT_TRACES", 1)
    for name in "ab":
        tracing.traced(Unet(plain.pipe.unet).eval(), example(plain), tmp_path, name)
    assert len(list(tmp_path.glob("*.pt"))) == 1


def test_if_tracing_fails_that_is_reported_and_the_network_runs_without(
    own: Path, plain: AudioLDM2, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("this torch traces no more")

    monkeypatch.setattr(torch.jit, "trace", broken)
    engine = opened(own)
    assert "engine.compile = trace does not work here" in engine.shortcoming and "no more" in engine.shortcoming
    assert np.array_equal(wave(engine), wave(plain))
