"""Which Stable Audio 3 checkpoints load, with which abilities, and why others are refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.checkpoints import find as checkpoints
from bridge.checkpoints.families import able, family_of
from bridge.checkpoints.weights import elements
from bridge.domain.limits import Range
from bridge.engine.runtime import memory
from bridge.errors import NoModel
from tests.engine.pipelines import differs, one, opened, prompt


@pytest.fixture
def changed(distilled_folder: Path, tmp_path: Path) -> Callable[[str, Callable[[dict[str, Any]], None]], Path]:
    """Copies of the checkpoint with another JSON file."""

    def change(name: str, how: Callable[[dict[str, Any]], None]) -> Path:
        folder = tmp_path / "copy"
        if not folder.exists():
            shutil.copytree(distilled_folder, folder)
        content = json.loads((folder / name).read_text("utf-8"))
        how(content)
        (folder / name).write_text(json.dumps(content), "utf-8")
        return folder

    return change


def test_its_abilities_are_read_from_its_files(distilled_folder: Path, base_folder: Path) -> None:
    distilled, base = (family_of(folder).abilities(folder) for folder in (distilled_folder, base_folder))
    assert (distilled.sample_rate, distilled.channels, distilled.seconds.high) == (44_100, 2, 150.0)
    assert distilled.can == "steps notes early continue fill vary"
    assert (distilled.usual_steps, distilled.steps) == (8, Range(1, 8))
    assert base.can == "steps guidance negative notes early continue fill vary" and base.usual_steps == 100
    facts = checkpoints.facts(str(distilled_folder))
    assert (facts.licence, facts.channels) == ("stability-ai-community", 2)
    assert "Stable Audio 3" in able("fill") and "Stable Audio 3" not in able("negative")


def test_the_longest_clip_is_that_of_the_length_it_was_trained_for(changed: Any) -> None:
    folder = changed("duration_embedder/config.json", lambda config: config.update(max_val=47.0))
    assert family_of(folder).abilities(folder).seconds.high == 47.0


@pytest.mark.parametrize(("name", "distilled"), [("PingPongScheduler", True), ("StableAudio3EulerScheduler", False)])
def test_a_folder_with_the_scheduler_names_of_early_converters_sounds_the_same(
    changed: Any, distilled_folder: Path, base_folder: Path, name: str, distilled: bool
) -> None:
    changed("scheduler/scheduler_config.json", lambda config: config.update(_class_name=name) or config.pop("shift"))
    folder = changed("model_index.json", lambda index: index.update(scheduler=["stable_audio_3", name]))
    asked = prompt(steps=3, guidance=None if distilled else 1.0)
    expected = one(opened(distilled_folder if distilled else base_folder), asked)
    assert differs(expected, one(opened(folder), asked)) < 1e-5


def test_a_folder_with_any_other_scheduler_is_refused(changed: Any) -> None:
    folder = changed("model_index.json", lambda index: index.update(scheduler=["diffusers", "DDIMScheduler"]))
    with pytest.raises(NoModel, match="names 'DDIMScheduler' as scheduler; expected FlowMatchEuler"):
        checkpoints.find(str(folder))


def test_a_part_that_would_run_foreign_code_is_refused(changed: Any) -> None:
    folder = changed("model_index.json", lambda index: index.update(vae=["os", "AutoencoderSAME"]))
    with pytest.raises(NoModel, match="as vae; expected AutoencoderSAME"):
        checkpoints.find(str(folder))


def test_weights_that_do_not_fit_are_refused_before_they_are_loaded(
    distilled_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert elements(distilled_folder / "transformer") > 50_000
    monkeypatch.setattr(memory, "budget", lambda compute, memory_gb: 100_000)
    with pytest.raises(NoModel, match=r"its weights need 0\.0 GB, and cpu has 0\.0 GB free"):
        opened(distilled_folder)


def test_variants_of_weights_are_not_counted(distilled_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(distilled_folder / "transformer", tmp_path / "transformer")
    file = tmp_path / "transformer" / "diffusion_pytorch_model.safetensors"
    shutil.copy(file, file.with_name("diffusion_pytorch_model.fp16.safetensors"))
    assert elements(tmp_path / "transformer") == elements(distilled_folder / "transformer")
    file.write_bytes(b"damaged")
    assert elements(tmp_path / "transformer") == 0


def test_a_missing_weight_is_no_random_layer(changed: Any) -> None:
    folder = changed("transformer/config.json", lambda config: config.update(depth=3))
    with pytest.raises(NoModel, match="transformer would run with"):
        opened(folder)


def test_a_setting_for_another_family_is_said_to_do_nothing(distilled_folder: Path) -> None:
    assert "engine.compile = openvino is for AudioLDM 2" in opened(distilled_folder, compile="openvino").shortcoming
    assert opened(distilled_folder, compile="auto").shortcoming == ""
