"""Stable Audio 3 on a tiny checkpoint with random weights: what must hold whatever the weights are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import StableAudio3Pipeline

from bridge.domain.source import How
from bridge.engine.pipeline_runner import PipelineRunner
from bridge.engine.source_sound import SourceSound
from bridge.errors import BadSource, JobCancelled, OutOfMemory
from tests.engine.pipelines import a_source, differs, nothing, one, pieces, prompt, takes
from tests.engine.stable_audio_3.tiny import HOP, RATE


def stock(folder: Path, seconds: float, seed: int, engine: PipelineRunner, **how: Any) -> np.ndarray:
    """What diffusers' own pipeline makes of the same noise: (frames, channels), without its limit at full scale."""
    pipeline = StableAudio3Pipeline.from_pretrained(folder, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    generators = [torch.Generator("cpu").manual_seed(seed)]
    noise = engine.noise(generators, engine.latents(seconds)).transpose(1, 2)
    text = prompt().full_text
    latents = pipeline(text, seconds, latents=noise, generator=generators, output_type="latent", **how).audios
    with torch.no_grad():
        return np.asarray(pipeline.vae.decode(latents).sample[0].T[: round(seconds * RATE)])


@pytest.mark.parametrize("seconds", [0.1, 0.57, 1.0])
def test_a_clip_is_stereo_exact_in_length_and_what_diffusers_makes_of_the_same_noise(
    distilled: PipelineRunner, distilled_folder: Path, seconds: float
) -> None:
    sound = one(distilled, prompt(seconds=seconds))
    assert sound.shape == (round(seconds * RATE), 2) and differs(sound[:, :1], sound[:, 1:]) > 0.1
    assert differs(stock(distilled_folder, seconds, 5, distilled), sound) < 1e-4


def test_prompt_and_seed_change_the_sound_and_the_same_ones_do_not(distilled: PipelineRunner) -> None:
    sound = one(distilled, prompt())
    assert np.array_equal(sound, one(distilled, prompt()))
    assert differs(sound, one(distilled, prompt("rain on a tin roof"))) > 0.002
    assert differs(sound, one(distilled, prompt(seed=6))) > 0.03


def test_takes_equal_the_same_seeds_alone(distilled: PipelineRunner) -> None:
    both = takes(distilled, prompt(takes=2))
    for seed, take in zip((5, 6), both, strict=True):
        assert differs(one(distilled, prompt(seed=seed)), take) < 1e-4


def test_a_long_clip_comes_in_pieces_of_which_the_first_is_a_second(distilled: PipelineRunner) -> None:
    lengths = [len(piece.samples) / 8 / RATE for piece in pieces(distilled, prompt(seconds=6.0, steps=1))]
    assert lengths[0] == pytest.approx(1.0, abs=HOP / RATE) and sum(lengths) == pytest.approx(6.0) and len(lengths) == 3


def test_a_distilled_checkpoint_takes_eight_steps_and_reports_each(distilled: PipelineRunner) -> None:
    done: list[tuple[int, int]] = []
    one(distilled, prompt(), lambda *at: done.append(at))
    assert done[:8] == [(step, 8) for step in range(1, 9)] and set(done[8:]) == {(8, 8)}
    assert distilled.cost.units == 8 and distilled.cost.evaluations == 1
    assert distilled.cost.per_unit_s > 0 and distilled.cost.seconds > 0


@pytest.mark.parametrize("how", [None, "vary", "continue", "fill"])
def test_a_job_ends_at_the_step_at_which_it_is_cancelled_and_the_next_is_as_ever(
    distilled: PipelineRunner, tmp_path: Path, how: How | None
) -> None:
    source = a_source(tmp_path, how, RATE, strength=0.9) if how else None
    asked = prompt(seconds=1.0 if how == "continue" else 0.5, source=source, steps=4)
    expected = one(distilled, asked)
    for last in range(1, asked.units + 1):

        def cancel(done: int, _units: int, last: int = last) -> None:
            assert done <= last
            if done == last:
                raise JobCancelled("cancelled")

        with pytest.raises(JobCancelled):
            one(distilled, asked, cancel)
    assert np.array_equal(one(distilled, asked), expected)


def test_out_of_memory_ends_one_job_only(distilled: PipelineRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: Any, **_more: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(distilled._network, "_network", full)  # type: ignore[attr-defined]
        with pytest.raises(OutOfMemory, match="ask for a shorter clip"):
            one(distilled, prompt())
    assert len(one(distilled, prompt())) == RATE // 2


# ---- guidance ----
def test_a_base_checkpoint_is_guided_as_diffusers_guides_it(base: PipelineRunner, base_folder: Path) -> None:
    asked = prompt(steps=4, guidance=5.0, negative="low quality")
    how = {"num_inference_steps": 4, "guidance_scale": 5.0, "negative_prompt": "low quality"}
    assert differs(stock(base_folder, 0.5, 5, base, **how), one(base, asked)) < 1e-3
    assert base.cost.evaluations == 2
    plain = stock(base_folder, 0.5, 5, base, num_inference_steps=4)
    assert differs(plain, one(base, replace(asked, guidance=1.0))) < 1e-4
    assert differs(one(base, asked), one(base, replace(asked, negative=""))) > 0.002


@pytest.mark.parametrize("how", ["vary", "continue", "fill"])
def test_what_starts_from_a_sound_is_guided_too(base: PipelineRunner, tmp_path: Path, how: How) -> None:
    asked = prompt(seconds=1.0, steps=3, guidance=5.0, source=a_source(tmp_path, how, RATE, seconds=1.0))
    if how == "continue":
        asked = replace(asked, seconds=1.5)
    assert differs(one(base, asked), one(base, replace(asked, guidance=1.0))) > 0.01


# ---- sources ----
@pytest.mark.parametrize("channels", [1, 2])
def test_at_strength_0_it_sends_the_source_and_at_1_a_sound_from_words_alone(
    distilled: PipelineRunner, tmp_path: Path, channels: int
) -> None:
    source = a_source(tmp_path, "vary", RATE, channels, strength=0.0)
    unchanged = one(distilled, prompt(source=source))
    read = SourceSound.read(source, distilled.abilities)
    assert np.allclose(unchanged.T * read.gain, read.samples, atol=1e-6)
    new = one(distilled, prompt(source=replace(source, strength=1.0)))
    level = np.abs(one(distilled, prompt())).max() / np.abs(new).max()
    assert differs(one(distilled, prompt()), new * level) < 1e-4


def test_half_the_strength_takes_fewer_steps_and_depends_on_the_source(base: PipelineRunner, tmp_path: Path) -> None:
    asked, done = prompt(source=a_source(tmp_path, "vary", RATE), steps=8, guidance=1.0), []
    varied = one(base, asked, lambda step, _units: done.append(step))
    assert max(done) == asked.units == base.cost.units == 5
    assert differs(varied, one(base, replace(asked, source=a_source(tmp_path, "vary", RATE, channels=1)))) > 0.001
    assert base.remarks(asked)["method"] == "whole"


@pytest.mark.parametrize("rate", [RATE, 48_000])
def test_a_continuation_and_a_filling_know_what_is_kept_and_nothing_of_the_gap(
    distilled: PipelineRunner, tmp_path: Path, rate: int
) -> None:
    asked = prompt(seconds=1.0, source=a_source(tmp_path, "continue", rate))
    assert differs(one(distilled, asked), one(distilled, prompt(seconds=1.0))) > 0.01
    filled = a_source(tmp_path, "fill", rate, seconds=1.0)
    sound = SourceSound.read(filled, distilled.abilities)
    assert not sound.samples[:, RATE // 2 : RATE * 3 // 4].any() and sound.samples[:, : RATE // 2 - 100].any()
    gap = sound.unknown(distilled.latents(1.0), HOP)
    assert (gap.start * HOP <= RATE // 2 < (gap.start + 1) * HOP) and (
        gap.stop - 1
    ) * HOP < RATE * 3 // 4 <= gap.stop * HOP
    assert differs(one(distilled, replace(asked, source=filled)), one(distilled, prompt(seconds=1.0))) > 0.01


def test_takes_from_a_source_equal_the_same_seeds_alone(distilled: PipelineRunner, tmp_path: Path) -> None:
    for how, seconds in (("vary", 0.5), ("continue", 1.0), ("fill", 0.5)):
        asked = prompt(seconds=seconds, source=a_source(tmp_path, how, RATE), takes=2)  # type: ignore[arg-type]
        for take, sound in enumerate(takes(distilled, asked)):
            assert differs(one(distilled, replace(asked, seed=5 + take, takes=1)), sound) < 1e-4


def test_a_source_that_is_gone_is_refused(distilled: PipelineRunner, tmp_path: Path) -> None:
    source = a_source(tmp_path, "vary", RATE)
    Path(source.path).unlink()
    with pytest.raises(BadSource):
        one(distilled, prompt(source=source))


# ---- the rest ----
@pytest.mark.parametrize("seconds", [0.3, 3.0, 9.5])
def test_the_autoencoder_in_windows_equals_the_whole(distilled: PipelineRunner, seconds: float) -> None:
    windowed: Any = distilled._same.windowed  # type: ignore[attr-defined]
    audio = torch.randn(1, 2, round(seconds * RATE), generator=torch.Generator().manual_seed(1)) * 0.3
    with torch.no_grad():
        whole, latents = windowed.encode(audio), windowed.encoded(audio)
        assert latents.shape == whole.shape and torch.allclose(latents, whole, atol=1e-4)
        samples = torch.cat(list(windowed.decoded(whole)), dim=-1)
        assert torch.allclose(samples, windowed.decode(whole), atol=1e-4)


def test_a_long_prompt_is_cut_with_a_remark_and_a_note_is_a_word(distilled: PipelineRunner) -> None:
    assert distilled.remarks(prompt()) == {}
    asked = prompt("zyx " * 200, note="c4")
    one(distilled, replace(asked, steps=1))
    remark = distilled.remarks(asked)["remark"]
    assert "tokens of the prompt were too much" in remark and "reads the note as a word only" in remark
    assert distilled.unmet(asked) == ("note",)


def test_warming_measures_memory_and_costs(distilled: PipelineRunner) -> None:
    costs = distilled.warm(nothing)
    assert [cost.sound_s for cost in costs] == [0.5] and distilled.needs.denoise > 0 and distilled.needs.decode > 0
    ten, hundred = (distilled.needs.bytes(seconds, 1, 1) for seconds in (10.0, 100.0))
    assert 8 * ten < hundred < 11 * ten and ten < 4e9
