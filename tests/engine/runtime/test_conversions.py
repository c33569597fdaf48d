"""Converted networks: the same sound, the same bytes under any load, from files that are checked first, and nothing sent anywhere."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from bridge.config import EngineConfig
from bridge.engine.audioldm2 import converted
from bridge.engine.audioldm2.engine import AudioLDM2
from bridge.engine.audioldm2.untrained import build
from bridge.engine.families import open_engine
from bridge.engine.runtime import conversions, kept, openvino
from bridge.engine.runtime.conversions import Conversions, Source
from bridge.errors import NoModel
from tests import prepared
from tests.busy import busy
from tests.engine.waves import wave
from tests.harness import environment

NAMES = {converted.UNET, converted.DECODER, converted.VOCODER}


def opened(cache: Path, **config: object) -> AudioLDM2:
    settings = {"model": "untrained", "compute": "cpu", "compile": "openvino", "threads": 2, **config}
    engine = open_engine(EngineConfig(**settings), cache)  # type: ignore[arg-type]
    engine.load(lambda done, total, what: None)
    assert isinstance(engine, AudioLDM2)
    return engine


def improved(engine: AudioLDM2) -> AudioLDM2:
    """Wait for the end of a conversion."""
    assert engine._conversions is not None
    if engine._conversions._converting is not None:
        engine._conversions._converting.finish()
    for _ in engine.improve(lambda done, total, what: None, lambda: False):
        pass
    return engine


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def plain(cache: Path) -> Iterator[AudioLDM2]:
    yield opened(cache, compile="off")


@pytest.fixture(scope="module")
def fast(cache: Path) -> Iterator[AudioLDM2]:
    """With converted networks."""
    prepared.convert(build(cache), "untrained ", cache)
    yield opened(cache)


@pytest.fixture
def own(cache: Path, fast: AudioLDM2, tmp_path: Path) -> Path:
    """A cache for one test, with the same checkpoint and its networks."""
    return Path(shutil.copytree(cache, tmp_path / "own", copy_function=shutil.copy2))


def folder_of(cache: Path) -> Path:
    (folder,) = (cache / conversions.FOLDER).iterdir()
    return folder


def far(one: np.ndarray, other: np.ndarray) -> float:
    """The largest difference, relative to the peak."""
    return float(np.abs(one - other).max() / np.abs(one).max())


def test_the_engine_tells_that_its_networks_are_converted(fast: AudioLDM2) -> None:
    assert fast.model.compiled == "openvino" and fast.shortcoming == ""
    assert fast.model.threads == "2"


@pytest.mark.parametrize(
    ("seconds", "takes", "guidance"),
    [*itertools.product((0.1, 0.5, 2.56), (1, 3), (1.0, 3.5)), (7.0, 1, 3.5)],
)
def test_one_conversion_serves_every_length_batch_and_prompt(
    plain: AudioLDM2, fast: AudioLDM2, seconds: float, takes: int, guidance: float
) -> None:
    for text in ("rain", "a long prompt about rain that falls on a tin roof in the night, far away, with thunder"):
        ask: dict[str, Any] = {"text": text, "seconds": seconds, "takes": takes, "guidance": guidance, "steps": 2}
        assert far(wave(plain, **ask), wave(fast, **ask)) < 1e-3


def test_an_ask_gives_the_same_bytes_alone_in_a_batch_and_beside_busy_programs(fast: AudioLDM2) -> None:
    takes = wave(fast, seconds=0.5, takes=3, steps=4, seed=7)
    alone = [wave(fast, seconds=0.5, steps=4, seed=7 + take) for take in range(3)]
    assert np.array_equal(takes.reshape(3, -1), np.stack(alone))
    with busy(programs=3):
        assert np.array_equal(wave(fast, seconds=0.5, steps=4, seed=7), alone[0])


def test_converted_networks_are_kept_and_the_next_start_reads_them(
    cache: Path, fast: AudioLDM2, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversions, "Converting", None)  # would fail
    again = opened(cache)
    assert again.shortcoming == "" and again.model.compiled == "openvino"
    assert np.array_equal(wave(again), wave(fast))


def test_the_memory_of_a_job_is_known_with_converted_networks_too(plain: AudioLDM2, fast: AudioLDM2) -> None:
    with_torch, needs = plain.measure(), fast.measure()
    assert 0 < needs.decode / with_torch.decode < 30 and needs.denoise >= 0  # small networks leave little to measure


@pytest.mark.parametrize("damage", ["cut", "empty", "missing", "other weights", "no facts", "rubbish", "a file"])
def test_damaged_networks_are_converted_again(
    own: Path, fast: AudioLDM2, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    folder = folder_of(own)
    weights, facts = folder / f"{converted.UNET}.bin", folder / kept.FACTS
    whole = weights.read_bytes()
    match damage:
        case "cut":
            weights.write_bytes(whole[: len(whole) // 2])
        case "empty":
            weights.write_bytes(b"")
        case "missing":
            weights.unlink()
        case "other weights":
            weights.write_bytes(whole[len(whole) // 2 :] + whole[: len(whole) // 2])
        case "no facts":
            facts.unlink()
        case "rubbish":
            facts.write_text('{"sizes": 3')
        case "a file":
            shutil.rmtree(folder)
            folder.write_text("in the way")
    began = []
    monkeypatch.setattr(conversions, "Converting", lambda *arguments: began.append(arguments))
    again = opened(own)
    assert again.shortcoming == "" and again.model.compiled == "off" and len(began) == 1


def test_networks_that_ended_the_process_are_not_opened_again(own: Path, plain: AudioLDM2) -> None:
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    (folder_of(own) / kept.TRYING).write_text(gone.stdout.decode())
    again = opened(own)
    assert "ended the engine before" in again.shortcoming and "run as they are" in again.shortcoming
    assert np.array_equal(wave(again), wave(plain))


def test_two_engines_may_open_the_same_networks_at_once(own: Path) -> None:
    (folder_of(own) / kept.TRYING).write_text(str(os.getpid()))
    assert opened(own).model.compiled == "openvino"


def test_without_a_cache_the_networks_run_as_they_are_and_the_reason_is_said(own: Path, plain: AudioLDM2) -> None:
    shutil.rmtree(own / conversions.FOLDER)
    (own / conversions.FOLDER).write_text("a file where the folder should be")
    again = improved(opened(own))
    assert again.shortcoming and again.model.compiled == "off" and np.array_equal(wave(again), wave(plain))


def test_without_openvino_the_networks_run_as_they_are_and_the_reason_is_said(
    own: Path, plain: AudioLDM2, monkeypatch: pytest.MonkeyPatch
) -> None:
    openvino.core.cache_clear()
    monkeypatch.setitem(sys.modules, "openvino", None)
    again = improved(opened(own))
    openvino.core.cache_clear()
    assert "engine.compile = openvino does not work here" in again.shortcoming
    assert np.array_equal(wave(again), wave(plain))


def test_a_failed_conversion_tells_its_last_line(tmp_path: Path) -> None:
    conversion = Conversions(Source("no.such.module", tmp_path, (), "x"), tmp_path, "CPU", 1)
    conversion.open()
    conversion.wait()
    assert "No module named 'no'" in conversion.shortcoming and not conversion.networks


def test_a_conversion_ends_with_the_process_that_began_it(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from bridge.engine.runtime.converting import Converting\n"
        "began = Converting('tests.engine.runtime.slow_parts', Path('.'), Path(sys.argv[1]), 1)\n"
        "print(began._process.pid, flush=True)\n"
        "while began.progress.what != 'slow': time.sleep(0.1)\n"
    )
    run = subprocess.run([sys.executable, "-c", code, str(tmp_path / "x")], capture_output=True, text=True, check=True)
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(int(run.stdout)).wait(20)


def test_only_a_few_checkpoints_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "KEPT", 2)
    for at, name in enumerate(("a", "b", "c")):
        place = tmp_path / f"{kept.UNFINISHED}{name}"
        place.mkdir()
        kept.finish(place, [], tmp_path / name)
        os.utime(tmp_path / name, (at, at))
    assert sorted(folder.name for folder in tmp_path.iterdir()) == ["b", "c"]


def test_other_weights_get_another_conversion(tmp_path: Path) -> None:
    (tmp_path / "unet").mkdir()
    weights = tmp_path / "unet" / "weights.safetensors"
    weights.write_bytes(b"one")
    before = kept.key(tmp_path, ["unet"], "x 1")
    assert before == kept.key(tmp_path, ["unet"], "x 1") != kept.key(tmp_path, ["unet"], "x 2")
    weights.write_bytes(b"other")
    assert kept.key(tmp_path, ["unet"], "x 1") != before


def test_openvino_opens_no_socket_and_writes_nothing_outside_the_cache(own: Path, tmp_path: Path) -> None:
    """Its converter sends statistics to Google Analytics if it may, and writes a number for each user into the home folder."""
    home, target = tmp_path / "home", own / conversions.FOLDER / "watched"
    home.mkdir()
    (checkpoint,) = own.glob("untrained-*")
    with subprocess.Popen(
        [sys.executable, "-m", "tests.engine.runtime.watched", converted.MODULE, str(checkpoint), str(target), "1"],
        env={**environment(home), "HOME": str(home), "TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        *_progress, last = child.stdout.read().splitlines()
        assert child.wait() == 0
    seen = json.loads(last)
    assert seen["sockets"] == [] and not seen["telemetry"]
    elsewhere = [file for file in seen["written"] if not file.startswith((str(own), os.devnull))]
    assert [file for file in elsewhere if Path(file).exists() or not file.startswith(str(tmp_path))] == []
    assert (target / kept.FACTS).is_file() and list(home.rglob("*")) == []


def test_an_intel_device_is_chosen_before_others_and_its_absence_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    class Devices:
        available_devices = ("CPU", "NPU", "GPU.0", "GPU.1")

    monkeypatch.setattr(openvino, "core", Devices)
    assert openvino.device("intel") == "GPU.0" and openvino.device("cpu") == "CPU"
    monkeypatch.setattr(Devices, "available_devices", ("CPU",))
    with pytest.raises(NoModel, match="finds no Intel GPU or NPU here, only: CPU"):
        open_engine(EngineConfig(compute="intel"))


@pytest.mark.parametrize("device", ["CPU", "AUTO"])
def test_compute_intel_runs_the_networks_on_its_device(
    cache: Path, fast: AudioLDM2, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino, "accelerator", lambda: device)  # this machine has none
    engine = opened(cache, compute="intel")
    assert engine.model.compute == "intel" and engine.model.compiled == "openvino"
    assert far(wave(fast), wave(engine)) < 1e-3
