"""`clipbridge pull` of Stable Audio 3 and ACE-Step 1.5 from a stand-in hub: their layouts, shards, gates and terms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.checkpoints.find import available, facts, find
from tests.checkpoints.test_pull import pull
from tests.engine.ace_step import tiny as ace_step
from tests.engine.pipelines import one, opened, prompt
from tests.engine.stable_audio_3 import tiny as stable_audio_3
from tests.stand_in_hub import Hub

STABLE_AUDIO, ACE_STEP = "someone/stable-audio-3-small-diffusers", "ACE-Step/acestep-v15-xl-turbo-diffusers"


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Hub]]:
    """Stand-in hubs with a checkpoint, whose cache this process looks into too."""
    hubs: list[Hub] = []
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)

    def serve(folder: Path, name: str, licence: str, title: str = "") -> Hub:
        (folder / "model.safetensors").write_bytes(b"all parts in one file, for other programs")
        hubs.append(Hub(folder, name, licence))
        hubs[-1].licence_name = title
        return hubs[-1]

    yield serve
    for hub in hubs:
        hub.close()


def test_ace_step_is_fetched_by_its_short_name_with_its_shards_and_plays(
    served: Callable[..., Hub], tmp_path: Path
) -> None:
    folder = ace_step.build(tmp_path / "hub", shard="60KB")
    hub = served(folder, ACE_STEP, "mit")
    code, out, err = pull(tmp_path, hub, "ace-step")
    assert code == 0 and f"{ACE_STEP}, revision" in out and "Licence of its weights: mit\n" in out, err
    found = find(ACE_STEP).folder
    assert found is not None and not (found / "model.safetensors").exists()
    shards = [file.name for file in (found / "transformer").glob("*.safetensors")]
    assert len(shards) > 1 and (found / "transformer" / "diffusion_pytorch_model.safetensors.index.json").is_file()
    assert ACE_STEP in available() and facts(ACE_STEP).can.endswith("continue fill vary")
    assert one(opened(found), prompt(steps=1)).shape == (24_000, 2)


def test_without_the_parts_for_covers_it_is_fetched_too(served: Callable[..., Hub], tmp_path: Path) -> None:
    hub = served(ace_step.build(tmp_path / "hub", covers=False), ACE_STEP, "mit")
    assert pull(tmp_path, hub, "ace-step")[0] == 0
    assert facts(ACE_STEP).can == "steps notes tempo lyrics early continue fill"


def test_stable_audio_3_states_its_licence_and_the_terms_of_its_text_encoder(
    served: Callable[..., Hub], tmp_path: Path
) -> None:
    hub = served(stable_audio_3.build(tmp_path / "hub"), STABLE_AUDIO, "other", "stability-ai-community")
    code, out, err = pull(tmp_path, hub, STABLE_AUDIO)
    assert code == 0, err
    assert "stability-ai-community (free for those with less than 1 million dollars" in out
    assert "under the Gemma terms of use: https://ai.google.dev/gemma/terms\n" in out
    assert facts(STABLE_AUDIO).licence == "stability-ai-community"


def test_a_gated_checkpoint_is_fetched_once_its_licence_was_accepted(
    served: Callable[..., Hub], tmp_path: Path
) -> None:
    hub = served(stable_audio_3.build(tmp_path / "hub"), STABLE_AUDIO, "other", "stability-ai-community")
    hub.token = "hf_mine"
    code, _, err = pull(tmp_path, hub, STABLE_AUDIO)
    assert code == 7 and f"accept its licence on {hub.url}/{STABLE_AUDIO}, then run `hf auth login`" in err
    assert pull(tmp_path, hub, STABLE_AUDIO, HF_TOKEN="hf_mine")[0] == 0
    assert find(STABLE_AUDIO).folder is not None


def test_a_checkpoint_as_stability_ai_publishes_it_is_refused_with_the_way_to_convert_it(
    served: Callable[..., Hub], tmp_path: Path
) -> None:
    folder = tmp_path / "hub"
    folder.mkdir()
    (folder / "model_config.json").write_text('{"model_type": "diffusion_cond"}', "utf-8")
    hub = served(folder, "stabilityai/stable-audio-3-medium", "other", "stability-ai-community")
    code, _, err = pull(tmp_path, hub, "stable-audio-3")
    assert code == 7 and "scripts/convert_stable_audio_3_to_diffusers.py" in err and err.count("\n") == 1
    assert not any(name.endswith(".safetensors") for _, name, _ in hub.requests)
