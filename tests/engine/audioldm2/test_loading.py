"""Every known way in which a checkpoint loads wrongly without an error is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from bridge.checkpoints import find as checkpoints
from bridge.config import EngineConfig
from bridge.domain.clip import Prompt
from bridge.engine.audioldm2 import untrained
from bridge.engine.families import open_engine
from bridge.errors import ClipbridgeError, NoModel


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return untrained.build(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture
def checkpoint(original: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    shutil.copytree(original, tmp_path / "my-checkpoint")
    return tmp_path / "my-checkpoint"


def load(folder: Path) -> object:
    engine = open_engine(EngineConfig(model=str(folder), compute="cpu", compile="off"))
    engine.load(lambda done, total, what: None)
    return engine


def first_samples(folder: Path) -> np.ndarray:
    engine = load(folder)
    (piece,) = engine.generate(Prompt("rain", "rain", 0.5, 5, steps=3), lambda step, steps: None)  # type: ignore[attr-defined]
    return np.frombuffer(piece.samples, "<f4")


def edit_json(file: Path, change: Callable[[dict], None]) -> None:
    data = json.loads(file.read_text())
    change(data)
    file.write_text(json.dumps(data))


def test_a_checkpoint_that_declares_gpt2model_as_published_ones_do_sounds_the_same(
    original: Path, checkpoint: Path
) -> None:
    edit_json(checkpoint / "model_index.json", lambda index: index.update(language_model=["transformers", "GPT2Model"]))
    edit_json(checkpoint / "language_model" / "config.json", lambda config: config.update(architectures=["GPT2Model"]))
    weights = safetensors.torch.load_file(checkpoint / "language_model" / "model.safetensors")
    renamed = {
        key.removeprefix("transformer."): value for key, value in weights.items() if not key.startswith("lm_head")
    }
    safetensors.torch.save_file(renamed, checkpoint / "language_model" / "model.safetensors", {"format": "pt"})
    assert np.array_equal(first_samples(checkpoint), first_samples(original))


def test_a_vocoder_with_other_keys_is_refused_instead_of_running_with_random_layers(checkpoint: Path) -> None:
    file = checkpoint / "vocoder" / "model.safetensors"
    weights = safetensors.torch.load_file(file)
    key = next(key for key in weights if key.endswith("conv_pre.weight"))
    old = weights.pop(key)
    weights[key + "_g"], weights[key + "_v"] = torch.ones(old.shape[0], 1, 1), old
    weights = {name.replace("resblocks", "blocks"): value for name, value in weights.items()}
    safetensors.torch.save_file(weights, file, {"format": "pt"})
    with pytest.raises(NoModel, match="vocoder would run with .* random layers"):
        load(checkpoint)


def test_weights_of_another_shape_are_refused(checkpoint: Path) -> None:
    edit_json(checkpoint / "text_encoder_2" / "config.json", lambda config: config.update(d_ff=128))
    with pytest.raises(NoModel, match="text_encoder_2"):
        load(checkpoint)


@pytest.mark.parametrize("tokenizer", ["tokenizer", "tokenizer_2"])
def test_a_tokenizer_without_its_vocabulary_is_refused(checkpoint: Path, tokenizer: str) -> None:
    (checkpoint / tokenizer / "tokenizer.json").unlink()
    with pytest.raises(NoModel, match="[Tt]okenizer"):
        load(checkpoint)


def test_a_tokenizer_without_its_merges_is_refused(checkpoint: Path) -> None:
    edit_json(checkpoint / "tokenizer" / "tokenizer.json", lambda tokenizer: tokenizer["model"].update(merges=[]))
    with pytest.raises(NoModel, match="tokens"):
        load(checkpoint)


def test_a_truncated_file_is_refused(checkpoint: Path) -> None:
    file = checkpoint / "unet" / "diffusion_pytorch_model.safetensors"
    file.write_bytes(file.read_bytes()[:-1_000])
    with pytest.raises(NoModel, match="unet cannot be loaded"):
        load(checkpoint)


def test_a_config_that_is_not_json_is_refused(checkpoint: Path) -> None:
    (checkpoint / "vae" / "config.json").write_text("{ not json")
    with pytest.raises(NoModel, match="vae"):
        load(checkpoint)


def test_pickled_weights_are_never_opened(checkpoint: Path) -> None:
    file = checkpoint / "unet" / "diffusion_pytorch_model.safetensors"
    file.rename(file.with_name("diffusion_pytorch_model.bin"))
    with pytest.raises(NoModel, match="can run code"):
        load(checkpoint)


@pytest.mark.parametrize(
    ("part", "entry", "reason"),
    [
        ("unet", ["os", "system"], "names"),
        ("tokenizer", ["subprocess", "Popen"], "names"),
        ("vae", ["my_module", "AutoencoderKL"], "names"),
        ("unet", "AudioLDM2UNet2DConditionModel", "names"),
        ("vocoder", None, "names"),
        ("text_encoder_2", ["transformers", "VitsModel"], "do not belong together"),
        ("unet", [["diffusers"], "UNet"], "names"),
        ("unet", ["diffusers", {"a": 1}], "names"),
        ("scheduler", ["transformers", "RobertaTokenizer"], "scheduler"),
        ("scheduler", ["diffusers", "AutoencoderKL"], "scheduler"),
        ("scheduler", None, "scheduler"),
        ("_class_name", "StableDiffusionPipeline", "StableDiffusionPipeline"),
        ("_class_name", ["evil", "AudioLDM2Pipeline"], "evil"),
    ],
)
def test_an_index_that_names_another_class_is_refused_before_anything_is_imported(
    checkpoint: Path, part: str, entry: object, reason: str
) -> None:
    edit_json(checkpoint / "model_index.json", lambda index: index.update({part: entry}))
    with pytest.raises(NoModel, match=reason):
        checkpoints.find(str(checkpoint))


@pytest.mark.parametrize("content", ["", "[]", "{", '{"_class_name": 7}', "[" * 100_000])
def test_an_invalid_index_is_refused(checkpoint: Path, content: str) -> None:
    (checkpoint / "model_index.json").write_text(content)
    with pytest.raises(NoModel):
        checkpoints.find(str(checkpoint))


def test_an_unknown_name_is_refused_with_the_command_that_fetches_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    for name in ("cvssp/audioldm2", "nobody/nothing", "/no/such/folder", "../..", "x" * 5_000, "~nosuchuser/x", "a\0b"):
        with pytest.raises(ClipbridgeError, match="clipbridge pull|no readable|cannot be"):
            checkpoints.find(name)


def test_a_name_in_the_hubs_cache_is_found_with_its_revision(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    cached = tmp_path / "hub" / "models--cvssp--audioldm2"
    shutil.copytree(original, cached / "snapshots" / "abc123")
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("abc123")
    fetched = checkpoints.find("cvssp/audioldm2")
    assert (fetched.name, fetched.revision) == ("cvssp/audioldm2", "abc123")
    assert checkpoints.available() == ["starter", "untrained", "cvssp/audioldm2"]
    assert checkpoints.default(accelerated=True).name == "cvssp/audioldm2"
    assert checkpoints.default(accelerated=False).name == "starter"


def test_the_licence_is_that_of_the_model_card(checkpoint: Path) -> None:
    assert checkpoints.licence(checkpoint) == ""
    (checkpoint / "README.md").write_text("---\ntags:\n- audio\nlicense: cc-by-nc-sa-4.0\n---\n# A model")
    assert checkpoints.licence(checkpoint) == "cc-by-nc-sa-4.0"
    assert load(checkpoint).load(lambda *stage: None).licence == "cc-by-nc-sa-4.0"  # type: ignore[attr-defined]


@pytest.mark.parametrize("damaged", ["unet/diffusion_pytorch_model.safetensors", "model_index.json"])
def test_a_damaged_untrained_checkpoint_is_built_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: str
) -> None:
    from bridge.engine import families

    monkeypatch.setattr(families, "cache_folder", lambda: tmp_path)
    folder = untrained.build(tmp_path)
    (folder / damaged).write_bytes(b"")
    engine = open_engine(EngineConfig(model="untrained", compute="cpu"))
    assert engine.load(lambda done, total, what: None).untrained
