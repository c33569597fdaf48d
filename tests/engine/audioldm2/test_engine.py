"""The engine with the real AudioLDM2Pipeline and the untrained checkpoint."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from bridge.bench.recipe import stock
from bridge.config import EngineConfig
from bridge.domain.clip import Piece, Prompt
from bridge.engine import runner
from bridge.engine.audioldm2 import untrained
from bridge.engine.audioldm2.engine import AudioLDM2
from bridge.engine.families import open_engine
from bridge.errors import ConfigError, JobCancelled, NoModel, OutOfMemory


def prompt(text: str = "rain on tin", seconds: float = 0.5, **more: object) -> Prompt:
    return Prompt(text, text, seconds, **{"seed": 5, "steps": 6, **more})  # type: ignore[arg-type]


def waves(engine: AudioLDM2, ask: Prompt) -> list[np.ndarray]:
    pieces: list[Piece] = list(engine.generate(ask, lambda step, steps: None))
    joined = []
    for take in range(1, ask.takes + 1):
        own = [piece for piece in pieces if piece.take == take]
        assert [piece.last for piece in own] == [False] * (len(own) - 1) + [True]
        parts = [np.frombuffer(piece.samples, "<f4") for piece in own]
        assert [piece.start_frame for piece in own] == [sum(map(len, parts[:n])) for n in range(len(parts))]
        joined.append(np.concatenate(parts))
    assert sum(map(len, joined)) == sum(len(piece.samples) // 4 for piece in pieces)
    return joined


def wave(engine: AudioLDM2, ask: Prompt) -> np.ndarray:
    return waves(engine, ask)[0]


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """RMS of the difference over RMS of the first."""
    return float(np.sqrt(np.mean((one - other) ** 2) / np.mean(one**2)))


@pytest.mark.parametrize("seconds", [0.1, 0.31, 0.57, 1.0, 2.56, 7.0, 10.0])
def test_a_clip_has_exactly_the_samples_of_its_length(engine: AudioLDM2, seconds: float) -> None:
    samples = wave(engine, prompt(seconds=seconds, steps=2))
    assert len(samples) == np.ceil(seconds * engine.abilities.sample_rate)
    assert np.isfinite(samples).all() and np.abs(samples).max() > 0.01


def test_a_long_clip_comes_in_pieces_and_the_first_is_a_second_long(engine: AudioLDM2) -> None:
    pieces = list(engine.generate(prompt(seconds=4.0, steps=2), lambda step, steps: None))
    assert len(pieces) > 1 and len(pieces[0].samples) == 4 * engine.abilities.sample_rate


def test_the_same_seed_makes_the_same_clip_bit_for_bit_and_another_seed_another(engine: AudioLDM2) -> None:
    first = wave(engine, prompt())
    assert np.array_equal(first, wave(engine, prompt()))
    assert apart(first, wave(engine, prompt(seed=6))) > 0.1


def test_prompt_negative_guidance_and_steps_all_change_the_sound(engine: AudioLDM2) -> None:
    first = wave(engine, prompt())
    others = [prompt("deep kick"), prompt(negative="wind"), prompt(guidance=8.0), prompt(guidance=1.0), prompt(steps=9)]
    for other in others:
        assert apart(first, wave(engine, other)) > 0.001, other


def test_without_guidance_the_negative_prompt_is_not_used(engine: AudioLDM2) -> None:
    assert np.array_equal(wave(engine, prompt(guidance=1.0)), wave(engine, prompt(guidance=0.0, negative="wind")))


def test_a_clip_equals_that_of_the_stock_pipeline(engine: AudioLDM2) -> None:
    rows = 16
    noise = engine.noise([torch.Generator().manual_seed(5)], rows)
    expected = stock(engine.pipe)(
        "rain on tin", latents=noise, num_inference_steps=6, guidance_scale=1.0, audio_length_in_s=rows * 640 / 16_000
    ).audios[0]
    ours = wave(engine, prompt(seconds=rows * 640 / 16_000, guidance=1.0))
    assert np.abs(ours - expected[: len(ours)]).max() < 1e-5


def test_each_text_is_encoded_alone_so_a_long_negative_prompt_is_not_cut_to_a_short_prompt(
    engine: AudioLDM2,
) -> None:
    long = "low quality, average quality, hiss and hum in the background of a distant street"
    alone = engine.texts._encode(long)
    wave(engine, prompt("rain", negative=long))
    cached = engine.texts.encoded(long)
    assert cached.t5.shape == alone.t5.shape and torch.equal(cached.gpt2, alone.gpt2)
    assert cached.t5.shape[1] > engine.texts.encoded("rain").t5.shape[1]


def test_padding_after_encoding_does_not_change_the_waveform(
    engine: AudioLDM2, monkeypatch: pytest.MonkeyPatch
) -> None:
    short, long = prompt("rain", negative=""), prompt("rain", negative="")
    first = wave(engine, short)
    real = engine.texts.encoded("rain")
    padded = real._replace(
        t5=torch.nn.functional.pad(real.t5, (0, 0, 0, 40)), mask=torch.nn.functional.pad(real.mask, (0, 40))
    )
    cached = engine.texts.encoded
    monkeypatch.setattr(engine.texts, "encoded", lambda text: padded if text == "rain" else cached(text))
    assert np.abs(wave(engine, long) - first).max() < 1e-6


def test_takes_run_as_one_batch_and_each_equals_a_single_run(engine: AudioLDM2) -> None:
    together = waves(engine, prompt(takes=3))
    assert len(engine.scores) == 3
    for number, take in enumerate(together):
        assert np.abs(take - wave(engine, prompt(seed=5 + number))).max() < 1e-4
    assert apart(together[0], together[1]) > 0.1


def test_scores_are_in_the_order_of_the_takes_and_a_single_take_has_none(engine: AudioLDM2) -> None:
    waves(engine, prompt(takes=2))
    two = engine.scores
    waves(engine, prompt(takes=3))
    assert engine.scores[:2] == pytest.approx(two, abs=1e-4) and all(-1 <= score <= 1 for score in two)
    wave(engine, prompt())
    assert engine.scores == ()


def test_a_seed_starts_with_the_same_noise_in_every_length_and_batch(engine: AudioLDM2) -> None:
    short = engine.noise([torch.Generator().manual_seed(3)], 8)
    long = engine.noise([torch.Generator().manual_seed(1), torch.Generator().manual_seed(3)], 24)
    assert torch.equal(short[0], long[1, :, :8])


def test_each_step_is_reported_once_and_in_order(engine: AudioLDM2) -> None:
    steps: list[tuple[int, int]] = []
    list(engine.generate(prompt(), lambda step, total: steps.append((step, total))))
    assert steps[:6] == [(n, 6) for n in range(1, 7)] and set(steps[6:]) == {(6, 6)}


@pytest.mark.parametrize("at", [1, 3, 6])
def test_a_cancel_stops_at_its_step_and_the_next_clip_is_unharmed(engine: AudioLDM2, at: int) -> None:
    before, reported = wave(engine, prompt()), []

    def on_step(step: int, steps: int) -> None:
        reported.append(step)
        if step == at:
            raise JobCancelled("cancelled")

    with pytest.raises(JobCancelled):
        list(engine.generate(prompt(), on_step))
    assert max(reported) == at
    assert np.array_equal(before, wave(engine, prompt()))


@pytest.mark.parametrize(
    "text", ["", "雨の音 🌧️", "word " * 700, "\u202e", "<extra_id_0> </s> <pad>", "{prompt} %s $HOME"]
)
def test_any_text_makes_sound(engine: AudioLDM2, text: str) -> None:
    samples = wave(engine, prompt(text, negative=text, steps=2))
    assert np.isfinite(samples).all()


def test_a_prompt_that_is_too_long_for_the_model_gets_a_remark(engine: AudioLDM2) -> None:
    assert engine.remarks(prompt("rain")) == {}
    assert "left out" in engine.remarks(prompt("word " * 700))["remark"]


def test_every_fitting_scheduler_runs_and_an_unknown_one_is_refused_with_their_names(
    engine: AudioLDM2, built_cache: Path
) -> None:
    from bridge.checkpoints.reading import scheduler_config
    from bridge.engine.audioldm2.loading import UNFIT_SCHEDULERS, make_scheduler

    declared, on_disk = engine.pipe.scheduler, scheduler_config(Path(untrained.build(built_cache)))
    names = {cls.__name__ for cls in declared.compatibles} - UNFIT_SCHEDULERS
    assert len(names) > 8
    try:
        for name in sorted(names):
            engine.pipe.scheduler = make_scheduler(declared, on_disk, name)
            assert engine.pipe.scheduler.config.beta_end == 0.0195
            samples = wave(engine, prompt(steps=4))
            assert np.isfinite(samples).all(), name
            assert np.array_equal(samples, wave(engine, prompt(steps=4))), f"{name} is not seeded"
    finally:
        engine.pipe.scheduler = declared
    with pytest.raises(ConfigError, match="there are: .*DPMSolverMultistepScheduler"):
        make_scheduler(declared, on_disk, "Magic")


def test_only_some_schedulers_need_scipy(engine: AudioLDM2, built_cache: Path, tmp_path: Path) -> None:
    from diffusers.utils import dummy_torch_and_scipy_objects as without_scipy

    from bridge.engine.audioldm2.opening import needs_scipy

    names = {cls.__name__ for cls in engine.pipe.scheduler.compatibles}
    needing = {name for name in names if hasattr(without_scipy, name)}
    assert needing and needing == {name for name in names if needs_scipy(None, name)}
    folder = Path(shutil.copytree(untrained.build(built_cache), tmp_path / "beta"))
    assert not needs_scipy(folder, "DPMSolverMultistepScheduler")
    stated = folder / "scheduler" / "scheduler_config.json"
    stated.write_text(json.dumps({**json.loads(stated.read_text("utf-8")), "use_beta_sigmas": True}), "utf-8")
    assert needs_scipy(folder, "DPMSolverMultistepScheduler")


def test_the_engine_of_a_usual_checkpoint_starts_without_scipy_and_without_a_warning(built_cache: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from bridge.config import EngineConfig
from bridge.engine.families import open_engine
engine = open_engine(EngineConfig(model="untrained", compute="cpu"), Path({str(built_cache)!r}))
engine.load(lambda *stage: None)
engine.warm(lambda *stage: None)
print([name for name in sys.modules if name.partition(".")[0] == "scipy"])
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n" and run.stderr == ""


def test_the_schedule_is_the_same_for_a_checkpoint_in_memory_and_on_disk(engine: AudioLDM2) -> None:
    engine.pipe.scheduler.set_timesteps(20)
    assert engine.pipe.scheduler.timesteps[:2].tolist() == [941, 894]
    in_memory = untrained.make_pipeline().scheduler
    from bridge.engine.audioldm2.loading import make_scheduler

    rebuilt = make_scheduler(in_memory, {}, "DPMSolverMultistep")
    rebuilt.set_timesteps(20)
    assert torch.equal(rebuilt.timesteps, engine.pipe.scheduler.timesteps)


def test_warming_measures_its_runs(engine: AudioLDM2) -> None:
    costs = engine.warm(lambda done, total, what: None)
    for more in engine.improve(lambda done, total, what: None, lambda: False):
        costs += more or []
    assert [cost.sound_s for cost in costs] == list(runner.WARM_SECONDS)
    assert all(cost.per_unit_s > 0 and cost.fixed_s > 0 for cost in costs)


def test_the_untrained_checkpoint_is_built_the_same_each_time(tmp_path: Path) -> None:
    folders = [untrained.build(tmp_path / name) for name in ("one", "other")]
    for file in sorted(folders[0].rglob("*.safetensors")):
        assert file.read_bytes() == (folders[1] / file.relative_to(folders[0])).read_bytes(), file.name
    assert sum(file.stat().st_size for file in folders[0].rglob("*")) < 5e6


def test_a_missing_compute_is_refused_with_those_available() -> None:
    with pytest.raises(NoModel, match="only: .*cpu"):
        open_engine(EngineConfig(compute="cuda" if not torch.cuda.is_available() else "mps"))


@pytest.mark.skipif(sys.platform == "win32", reason="limits a process's memory by POSIX means")
def test_out_of_memory_is_reported_and_the_next_clip_works(built_cache: Path) -> None:
    code = f"""
import resource, sys
from pathlib import Path
from bridge.domain.clip import Prompt
from bridge.config import EngineConfig
from bridge.engine.families import open_engine
from bridge.errors import OutOfMemory
engine = open_engine(EngineConfig(model="untrained", compute="cpu"), Path({str(built_cache)!r}))
engine.load(lambda *stage: None)
small = Prompt("x", "x", 0.5, 1, steps=2)
list(engine.generate(small, lambda *step: None))
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (256 << 20),) * 2)
try:
    list(engine.generate(Prompt("x", "x", 150.0, 1, steps=2, takes=16), lambda *step: None))
except OutOfMemory as error:
    print("refused:", error)
print("pieces:", len(list(engine.generate(small, lambda *step: None))))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "refused: Not enough memory for 16 × 150 s on cpu: ask for fewer takes." in run.stdout, (
        run.stdout + run.stderr[-2000:]
    )
    assert "pieces: 1" in run.stdout


def test_out_of_memory_errors_of_every_compute_are_recognised() -> None:
    for error in (
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 MiB"),
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried to"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
    ):
        assert runner._is_out_of_memory(error)
    assert not runner._is_out_of_memory(RuntimeError("CUDA error: an illegal memory access was encountered"))
    assert OutOfMemory("x").code == "out_of_memory"
