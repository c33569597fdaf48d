"""Networks in bfloat16 beside an autoencoder in float32, as on CUDA: every way to make a clip runs, and sounds nearly the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bridge.domain.clip import Prompt
from bridge.engine import pipeline_runner
from bridge.engine.pipeline_runner import PipelineRunner
from tests.engine.ace_step import tiny as ace_step
from tests.engine.pipelines import a_source, differs, nothing, one, opened, prompt
from tests.engine.stable_audio_3 import tiny as stable_audio_3


@pytest.fixture(scope="module", params=["Stable Audio 3", "Stable Audio 3 base", "ACE-Step 1.5"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("bfloat16") / "tiny"
    if request.param == "ACE-Step 1.5":
        return ace_step.build(place)
    return stable_audio_3.build(place, distilled=request.param == "Stable Audio 3")


def asks(engine: PipelineRunner, tmp_path: Path) -> list[Prompt]:
    """An ask for each way to make a clip."""
    rate, plain = engine.abilities.sample_rate, prompt(steps=4, takes=1)
    return [
        plain,
        replace(plain, source=a_source(tmp_path, "vary", rate)),
        replace(plain, source=a_source(tmp_path, "continue", rate), seconds=1.0),
        replace(plain, source=a_source(tmp_path, "fill", rate)),
    ]


def test_each_way_runs_in_bfloat16_and_only_the_autoencoder_does_not(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = opened(folder)
    monkeypatch.setattr(pipeline_runner, "precision", lambda _device: torch.bfloat16)
    half = opened(folder)
    assert half.model.dtype == "bfloat16" and next(half.network.parameters()).dtype == torch.bfloat16
    for asked in asks(half, tmp_path):
        # The weights of the tiny checkpoints amplify every difference.
        assert differs(one(exact, asked), one(half, asked)) < 1
    half.warm(nothing)


def test_on_a_graphics_card_networks_are_in_bfloat16_and_elsewhere_in_float32() -> None:
    assert [pipeline_runner.precision(device) for device in ("cuda", "mps", "cpu")] == [
        torch.bfloat16, torch.float32, torch.float32,
    ]  # fmt: skip
