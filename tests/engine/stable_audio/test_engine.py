"""Stable Audio Open 1.0 on a tiny checkpoint with random weights: what must hold whatever the weights are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import StableAudioPipeline

from bridge.checkpoints.families import family_of
from bridge.engine.pipeline_runner import PipelineRunner
from bridge.errors import JobCancelled, OutOfMemory
from tests.engine.pipelines import differs, nothing, one, opened, pieces, prompt, takes
from tests.engine.stable_audio import tiny
from tests.engine.stable_audio.tiny import HOP, LENGTH, RATE

ASKED = prompt(steps=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.build(tmp_path_factory.mktemp("sao") / "open")


@pytest.fixture(scope="module")
def engine(folder: Path) -> PipelineRunner:
    return opened(folder)


def stock(engine: PipelineRunner, seconds: float, **how: Any) -> np.ndarray:
    """What diffusers' own pipeline makes of the noise of seed 5, whole: (frames, channels)."""
    pipeline: StableAudioPipeline = engine._pipeline  # type: ignore[attr-defined]
    noise = engine.noise([torch.Generator("cpu").manual_seed(5)], LENGTH).transpose(1, 2)
    latents = pipeline(
        ASKED.text, audio_end_in_s=seconds, num_inference_steps=4, latents=noise, output_type="latent", **how
    ).audios
    with torch.no_grad():
        return np.asarray(engine._vae.windowed.decode(latents)[0].T[: round(seconds * RATE)])  # type: ignore[attr-defined]


@pytest.mark.parametrize("seconds", [0.57, 2.5])
def test_a_clip_is_stereo_exact_in_length_and_what_diffusers_makes_of_the_same_noise(
    engine: PipelineRunner, seconds: float
) -> None:
    sound = one(engine, replace(ASKED, seconds=seconds, negative="hiss", guidance=4.0))
    assert sound.shape == (round(seconds * RATE), 2) and differs(sound[:, :1], sound[:, 1:]) > 0.1
    assert differs(stock(engine, seconds, negative_prompt="hiss", guidance_scale=4.0), sound) < 1e-3
    plain = one(engine, replace(ASKED, seconds=seconds, guidance=1.0))
    assert differs(stock(engine, seconds, guidance_scale=1.0), plain) < 1e-3 and differs(sound, plain) > 1e-3


def test_it_loads_without_torchsde_and_says_which_solver_it_uses(engine: PipelineRunner) -> None:
    assert engine.model.scheduler == "EDMDPMSolverMultistepScheduler"
    assert ("sigma_max", "500") in engine.model.scheduler_settings


def test_seeds_change_the_sound_and_takes_equal_the_same_seeds_alone(engine: PipelineRunner) -> None:
    both = takes(engine, replace(ASKED, takes=2))
    for seed, take in zip((5, 6), both, strict=True):
        assert differs(one(engine, replace(ASKED, seed=seed)), take) < 1e-3
    assert differs(both[0], both[1]) > 0.03 and np.array_equal(one(engine, ASKED), one(engine, ASKED))


def test_every_clip_costs_as_much_as_the_longest_but_only_its_own_length_is_decoded(engine: PipelineRunner) -> None:
    assert [len(piece.samples) // 8 for piece in pieces(engine, ASKED)] == [RATE // 2]
    assert engine.cost.sound_s == engine.abilities.whole_s == engine.abilities.seconds.high == pytest.approx(3.018)
    engine.warm(nothing)
    assert engine.needs.denoise > 0 and engine.needs.bytes(0.5, 1, 2) == engine.needs.bytes(3.0, 1, 2)
    assert engine.abilities.seconds.high <= LENGTH * HOP / RATE


def test_a_job_ends_at_the_step_at_which_it_is_cancelled_or_memory_runs_out(
    engine: PipelineRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = one(engine, ASKED)
    for last in range(1, 5):

        def cancel(done: int, _units: int, last: int = last) -> None:
            if done == last:
                raise JobCancelled("cancelled")

        with pytest.raises(JobCancelled):
            one(engine, ASKED, cancel)

    def full(*_arguments: Any, **_more: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(engine.network, "forward", full)
        with pytest.raises(OutOfMemory, match="use a smaller checkpoint"):
            one(engine, ASKED)
    assert np.array_equal(one(engine, ASKED), expected)


def test_its_abilities_are_read_from_its_files(folder: Path) -> None:
    abilities = family_of(folder).abilities(folder)
    assert abilities.can == "steps guidance negative notes early" and abilities.fixed_cost
    assert (abilities.sample_rate, abilities.channels) == (RATE, 2)
