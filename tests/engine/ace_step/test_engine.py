"""ACE-Step 1.5 on a tiny checkpoint with random weights: what must hold whatever the weights are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AceStepPipeline
from safetensors.torch import save_file

from bridge.checkpoints import find as checkpoints
from bridge.checkpoints.families import able, family_of
from bridge.core.resolving import resolve
from bridge.domain.ask import Ask
from bridge.domain.source import How
from bridge.engine.ace_step.wording import caption, facts_of, lyrics_of
from bridge.engine.pipeline_runner import PipelineRunner
from bridge.errors import JobCancelled, OutOfMemory
from tests.engine.ace_step.tiny import HOP, RATE
from tests.engine.pipelines import a_source, differs, nothing, one, opened, pieces, prompt, takes


def stock(folder: Path, seconds: float, engine: PipelineRunner, **how: Any) -> np.ndarray:
    """What diffusers' own pipeline makes of the noise of seed 5: (frames, channels), before it sets the level."""
    pipeline = AceStepPipeline.from_pretrained(folder, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    noise = engine.noise([torch.Generator("cpu").manual_seed(5)], engine.latents(seconds))
    settings = {"guidance_scale": 1.0, "lyrics": "[Instrumental]"} | how
    latents = pipeline(prompt().text, audio_duration=seconds, latents=noise, output_type="latent", **settings).audios
    with torch.no_grad():
        return np.asarray(pipeline.vae.decode(latents.transpose(1, 2)).sample[0].T[: round(seconds * RATE)])


@pytest.mark.parametrize("seconds", [0.1, 0.68, 1.0])
def test_a_clip_is_stereo_exact_in_length_and_what_diffusers_makes_of_the_same_noise(
    turbo: PipelineRunner, turbo_folder: Path, seconds: float
) -> None:
    sound = one(turbo, prompt(seconds=seconds))
    assert sound.shape == (round(seconds * RATE), 2) and differs(sound[:, :1], sound[:, 1:]) > 0.1
    assert differs(stock(turbo_folder, seconds, turbo), sound) < 1e-4


def test_tempo_key_and_time_are_facts_and_no_words(turbo: PipelineRunner, turbo_folder: Path) -> None:
    asked = replace(resolve(Ask(prompt().text, bars=1.0, bpm=240.0, key="f#m", seed=5), None))
    assert asked.full_text == "one deep punchy kick drum, 240 BPM, in the key of F# minor"
    assert facts_of(asked) == {"bpm": 240, "keyscale": "F# minor", "timesignature": "4"}
    facts = {"bpm": 240, "keyscale": "F# minor", "timesignature": "4"}
    sound = one(turbo, asked)
    assert differs(stock(turbo_folder, 1.0, turbo, **facts), sound) < 1e-4
    assert differs(sound, one(turbo, prompt(seconds=1.0))) > 1e-3
    assert turbo.in_tempo(asked) is False  # the shaper measures the beat


@pytest.mark.parametrize(
    ("keys", "facts"),
    [
        ({}, {}),
        ({"key": "c"}, {"keyscale": "C major"}),
        ({"bars": 2.0, "bpm": 99.6, "beats_per_bar": 7}, {"bpm": 100}),
        ({"bars": 2.0, "bpm": 90.0, "beats_per_bar": 3}, {"bpm": 90, "timesignature": "3"}),
    ],
)
def test_only_facts_that_it_knows_are_stated(keys: dict[str, Any], facts: dict[str, Any]) -> None:
    assert facts_of(prompt(**keys)) == facts


def test_lyrics_have_a_line_each_and_are_heard(turbo: PipelineRunner, turbo_folder: Path) -> None:
    asked = prompt(lyrics="[verse] the lights go down / the night is young / [chorus] la / oh/ah")
    assert lyrics_of(asked) == "[verse]\nthe lights go down\nthe night is young\n[chorus]\nla\noh/ah"
    assert lyrics_of(prompt()) == "[Instrumental]"
    sound = one(turbo, asked)
    assert differs(stock(turbo_folder, 0.5, turbo, lyrics=lyrics_of(asked)), sound) < 1e-4
    assert differs(sound, one(turbo, prompt())) > 1e-3


def test_a_long_prompt_is_cut_so_that_the_facts_behind_it_are_read(turbo: PipelineRunner) -> None:
    asked = prompt("zyx " * 200, bars=1.0, bpm=120.0)
    pipeline: Any = turbo._pipeline  # type: ignore[attr-defined]
    text, cut = caption(pipeline, asked, 256)
    whole, _ = pipeline._format_prompt(text, audio_duration=asked.seconds, **facts_of(asked))
    assert cut > 0 and 250 <= len(pipeline.tokenizer(whole).input_ids) <= 256 and "bpm: 120" in whole
    assert f"the last {cut} tokens of the prompt were too much" in turbo.remarks(asked)["remark"]
    assert caption(pipeline, prompt(), 256) == (prompt().text, 0)


def test_seeds_and_prompts_change_the_sound_and_takes_equal_the_same_seeds_alone(turbo: PipelineRunner) -> None:
    both = takes(turbo, prompt(takes=2, lyrics="la la"))
    for seed, take in zip((5, 6), both, strict=True):
        assert differs(one(turbo, prompt(seed=seed, lyrics="la la")), take) < 1e-4
    assert differs(both[0], both[1]) > 0.03
    assert differs(one(turbo, prompt()), one(turbo, prompt("rain on a tin roof"))) > 1e-3
    assert np.array_equal(one(turbo, prompt()), one(turbo, prompt()))


def test_a_long_clip_comes_in_pieces_that_equal_the_whole(turbo: PipelineRunner) -> None:
    lengths = [len(piece.samples) / 8 / RATE for piece in pieces(turbo, prompt(seconds=6.0, steps=1))]
    assert lengths == pytest.approx([1.0, 4.0, 1.0])
    windowed: Any = turbo._vae.windowed  # type: ignore[attr-defined]
    audio = torch.randn(1, 2, 6 * RATE, generator=torch.Generator().manual_seed(1)) * 0.3
    with torch.no_grad():
        whole = windowed.encode(audio)
        assert (windowed.encoded(audio) - whole).abs().max() < 1e-5 * whole.abs().max()
        samples, expected = torch.cat(list(windowed.decoded(whole)), dim=-1), windowed.decode(whole)
        assert (samples - expected).abs().max() < 1e-4 * expected.abs().max()


@pytest.mark.parametrize("how", [None, "vary", "continue", "fill"])
def test_a_job_ends_at_the_step_at_which_it_is_cancelled_and_the_next_is_as_ever(
    turbo: PipelineRunner, tmp_path: Path, how: How | None
) -> None:
    source = a_source(tmp_path, how, RATE, strength=0.9) if how else None
    asked = prompt(seconds=1.0 if how == "continue" else 0.5, source=source, steps=4)
    expected = one(turbo, asked)
    for last in range(1, asked.units + 1):

        def cancel(done: int, _units: int, last: int = last) -> None:
            assert done <= last
            if done == last:
                raise JobCancelled("cancelled")

        with pytest.raises(JobCancelled):
            one(turbo, asked, cancel)
    assert np.array_equal(one(turbo, asked), expected)


def test_out_of_memory_ends_one_job_only(turbo: PipelineRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: Any, **_more: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(turbo._pipeline.transformer, "forward", full)  # type: ignore[attr-defined]
        with pytest.raises(OutOfMemory, match="ask for a shorter clip"):
            one(turbo, prompt())
    assert len(one(turbo, prompt())) == RATE // 2


# ---- sources ----
@pytest.mark.parametrize("channels", [1, 2])
def test_a_cover_starts_from_the_source_and_ends_at_the_words_alone(
    turbo: PipelineRunner, tmp_path: Path, channels: int
) -> None:
    source, done = a_source(tmp_path, "vary", 44_100, channels), []
    asked = prompt(source=source, steps=8)
    varied = one(turbo, asked, lambda step, _units: done.append(step))
    assert max(done) == asked.units == turbo.cost.units == 5
    new = one(turbo, replace(asked, source=replace(source, strength=1.0)))
    words = one(turbo, prompt(steps=8))
    assert differs(words, new * (np.abs(words).max() / np.abs(new).max())) < 1e-4
    assert differs(varied / np.abs(varied).max(), words / np.abs(words).max()) > 0.01


def test_what_is_kept_of_a_source_is_known_and_the_gap_is_made(turbo: PipelineRunner, tmp_path: Path) -> None:
    called: dict[str, Any] = {}
    pipeline: Any = turbo._pipeline  # type: ignore[attr-defined]
    build = pipeline._build_chunk_mask

    def spy(**how: Any) -> torch.Tensor:
        called["mask"] = build(**how)
        mask: torch.Tensor = called["mask"]
        return mask

    pipeline._build_chunk_mask = spy
    try:
        for how, seconds, new in (("continue", 1.0, slice(12, 25)), ("fill", 0.5, slice(6, 10))):
            asked = prompt(seconds=seconds, source=a_source(tmp_path, how, RATE))  # type: ignore[arg-type]
            one(turbo, asked)
            made = called["mask"][0, :, 0] > 0.5
            assert made.nonzero().flatten().tolist() == list(range(*new.indices(25)))
    finally:
        pipeline._build_chunk_mask = build
    assert HOP * 12 <= RATE // 2 < HOP * 13


def test_takes_from_a_source_equal_the_same_seeds_alone(turbo: PipelineRunner, tmp_path: Path) -> None:
    for how, seconds in (("vary", 0.5), ("continue", 1.0), ("fill", 0.5)):
        asked = prompt(seconds=seconds, source=a_source(tmp_path, how, RATE), takes=2)  # type: ignore[arg-type]
        for take, sound in enumerate(takes(turbo, asked)):
            assert differs(one(turbo, replace(asked, seed=5 + take, takes=1)), sound) < 1e-4


# ---- the rest ----
def test_a_base_checkpoint_is_guided_and_without_tokenizers_it_cannot_vary(base: PipelineRunner) -> None:
    assert base.abilities.can == "steps guidance notes tempo lyrics early continue fill"
    asked = prompt(steps=3)
    assert differs(one(base, asked), one(base, replace(asked, guidance=1.0))) > 1e-3
    assert base.abilities.settled(prompt()).steps == 30


def test_its_abilities_are_read_from_its_files(turbo_folder: Path) -> None:
    abilities = family_of(turbo_folder).abilities(turbo_folder)
    assert abilities.can == "steps notes tempo lyrics early continue fill vary" and abilities.usual_steps == 8
    assert (abilities.sample_rate, abilities.channels, checkpoints.facts(str(turbo_folder)).licence) == (
        48_000,
        2,
        "mit",
    )
    assert able("lyrics") == able("tempo") == ["ACE-Step 1.5"]


def test_a_short_clip_has_a_remark_and_warming_measures_memory(turbo: PipelineRunner) -> None:
    assert "trained on at least 10 seconds" in turbo.remarks(prompt())["remark"]
    assert turbo.remarks(prompt(seconds=10.0)) == {}
    turbo.warm(nothing)
    assert turbo.needs.denoise > 0 and turbo.needs.decode > 0


@pytest.mark.parametrize("name", ["transformer.layers.0.self_attn.to_q", "base_model.model.layers.0.self_attn.q_proj"])
def test_a_lora_changes_the_sound_by_the_names_of_diffusers_and_of_its_authors(
    turbo: PipelineRunner, turbo_folder: Path, tmp_path: Path, name: str
) -> None:
    file = tmp_path / "voice.safetensors"
    save_file({f"{name}.lora_A.weight": torch.ones(2, 32), f"{name}.lora_B.weight": torch.ones(32, 2)}, file)
    changed = opened(turbo_folder, lora=(str(file),))
    assert changed.model.revision.startswith("lora voice ")
    assert differs(one(turbo, prompt()), one(changed, prompt())) > 1e-3
    assert np.array_equal(one(turbo, prompt()), one(opened(turbo_folder, lora=(f"{file}:0",)), prompt()))
