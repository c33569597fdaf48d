"""LoRA files: every usual way to name their layers, every check before anything is changed, and the recipe that tells of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from bridge.checkpoints.find import UNTRAINED, Checkpoint, with_loras
from bridge.checkpoints.loras import Lora, lora_of
from bridge.config import EngineConfig
from bridge.domain.clip import Prompt
from bridge.engine.families import open_engine
from bridge.engine.lora import merge
from bridge.errors import NoModel
from tests.harness import Daemon, pairs

RANK = 3


class Small(torch.nn.Module):
    """A network with the kinds of layers that LoRA files change."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = torch.nn.ModuleList([torch.nn.ModuleDict({"to_q": torch.nn.Linear(5, 7)}) for _ in range(2)])
        self.mid_conv = torch.nn.Conv2d(4, 6, 3)


def parts(layer: str, down: tuple[int, ...], up: tuple[int, ...], names: tuple[str, str]) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(len(layer))
    sizes = zip(names, (down, up), strict=True)
    return {f"{layer}.{name}.weight": torch.randn(size, generator=generator) for name, size in sizes}


def linear(layer: str, names: tuple[str, str] = ("lora_A", "lora_B"), rank: int = RANK) -> dict[str, torch.Tensor]:
    return parts(layer, (rank, 5), (7, rank), names)


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Lora]:
    """LoRA files with these tensors."""

    def write(tensors: dict[str, torch.Tensor], strength: float = 1.0, **metadata: Any) -> Lora:
        file = tmp_path / "kicks.safetensors"
        save_file(tensors, file, {name: json.dumps(value) for name, value in metadata.items()})
        return lora_of(f"{file}:{strength}")

    return write


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("transformer.blocks.1.to_q", ("lora_A", "lora_B")),
        ("base_model.model.blocks.1.to_q", ("lora_A", "lora_B")),
        ("diffusion_model.blocks.1.to_q", ("lora_A", "lora_B")),
        ("lora_unet_blocks_1_to_q", ("lora_down", "lora_up")),
        ("blocks.1.q_proj", ("lora_A.default", "lora_B.default")),
    ],
)
def test_a_layer_is_found_by_each_usual_name_and_gets_what_the_file_says(
    written: Callable[..., Lora], name: str, kind: tuple[str, str]
) -> None:
    network, tensors = Small(), linear(name, kind)
    before = network.blocks[1]["to_q"].weight.detach().clone()
    other = network.blocks[0]["to_q"].weight.detach().clone()
    merge(network, [written(tensors, 0.5)], {"q_proj": "to_q"})
    down, up = tensors.values()
    assert torch.allclose(network.blocks[1]["to_q"].weight, before + 0.5 * up @ down, atol=1e-6)
    assert torch.equal(network.blocks[0]["to_q"].weight, other)


def test_a_convolution_changes_too_and_alpha_scales_in_the_file_in_its_metadata_or_beside_it(
    written: Callable[..., Lora], tmp_path: Path
) -> None:
    tensors = parts("mid_conv", (RANK, 4, 3, 3), (6, RANK, 1, 1), ("lora_down", "lora_up"))
    change = (tensors["mid_conv.lora_up.weight"].flatten(1) @ tensors["mid_conv.lora_down.weight"].flatten(1)).reshape(
        6, 4, 3, 3
    )

    def scale(lora: Lora) -> float:
        network = Small()
        before = network.mid_conv.weight.detach().clone()
        merge(network, [lora])
        return float(((network.mid_conv.weight.detach() - before) / change).median())

    assert scale(written(tensors)) == pytest.approx(1.0, abs=1e-3)
    assert scale(written(tensors | {"mid_conv.alpha": torch.tensor(6.0)})) == pytest.approx(2.0, abs=1e-3)
    stated = {"transformer.lora_alpha": 12, "transformer.r": RANK}
    assert scale(written(tensors, lora_adapter_metadata=stated)) == pytest.approx(4.0, abs=1e-3)
    lora = written(tensors)
    (tmp_path / "adapter_config.json").write_text(json.dumps({"r": RANK, "lora_alpha": 1.5}), "utf-8")
    assert scale(lora) == pytest.approx(0.5, abs=1e-3)


def test_two_files_add_up_and_strength_0_changes_nothing(written: Callable[..., Lora]) -> None:
    once, twice = Small(), Small()
    twice.load_state_dict(once.state_dict())
    none = {name: weight.clone() for name, weight in once.state_dict().items()}
    merge(once, [written(linear("blocks.0.to_q"), 0.0)])
    assert all(torch.equal(weight, none[name]) for name, weight in once.state_dict().items())
    lora = written(linear("blocks.0.to_q"), 0.5)
    merge(once, [written(linear("blocks.0.to_q"), 1.0)])
    merge(twice, [lora, lora])
    assert torch.allclose(once.blocks[0]["to_q"].weight, twice.blocks[0]["to_q"].weight, atol=1e-6)


@pytest.mark.parametrize(
    ("tensors", "why"),
    [
        ({**linear("blocks.0.to_q"), **linear("blocks.9.to_q")}, "another family of checkpoints: this one has no layer 'blocks.9.to_q'"),
        ({**linear("blocks.0.to_q"), **linear("lora_te_text_model_layers_0_q")}, "another family of checkpoints"),
        (linear("blocks.0.to_q") | parts("blocks.1.to_q", (RANK, 6), (7, RANK), ("lora_A", "lora_B")),
         "another size: its layer 'blocks.1.to_q' is 7 × 6, and here it is 7 × 5"),
        (parts("blocks.1.to_q", (2, 5), (7, 3), ("lora_A", "lora_B")), "another size"),
        ({"blocks.0.to_q.lora_A.weight": torch.ones(3, 5)}, "lacks a part of 'blocks.0.to_q'"),
        ({**linear("blocks.0.to_q"), "blocks.0.to_q.dora_scale": torch.ones(7)}, "'blocks.0.to_q.dora_scale' is not part of one"),
        ({"blocks.0.to_q.weight": torch.ones(7, 5)}, "is not part of one"),
        ({"blocks.0.to_q.alpha": torch.ones(1)}, "holds no LoRA"),
    ],
)  # fmt: skip
def test_a_file_that_does_not_fit_is_refused_before_anything_is_changed(
    written: Callable[..., Lora], tensors: dict[str, torch.Tensor], why: str
) -> None:
    network = Small()
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    with pytest.raises(NoModel, match=why):
        merge(network, [written(tensors)])
    assert all(torch.equal(weight, before[name]) for name, weight in network.state_dict().items())


def test_a_file_that_is_gone_damaged_or_could_run_code_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kicks.bin").write_bytes(b"a pickle")
    (tmp_path / "bad.safetensors").write_bytes(b"\xff" * 100)
    for stated, why in (
        (f"{tmp_path}/none.safetensors", "cannot be read"),
        (f"{tmp_path}/kicks.bin", "must end with .safetensors. Other formats can run code"),
        (f"{tmp_path}/bad.safetensors:3", "the strength of a LoRA must be 0 to 2, not 3"),
        (str(tmp_path), "must end with .safetensors"),
        ("\0.safetensors", "cannot be read"),
    ):
        with pytest.raises(NoModel, match=why):
            lora_of(stated)
    with pytest.raises(NoModel, match=r"bad\.safetensors is damaged"):
        merge(Small(), [lora_of(f"{tmp_path}/bad.safetensors")])


def test_a_file_and_its_strength_are_part_of_the_revision(written: Callable[..., Lora]) -> None:
    file = written(linear("blocks.0.to_q")).file
    checkpoint = with_loras(Checkpoint("x", None, "v4"), [f"{file}:0.5", str(file)])
    assert checkpoint.revision.startswith("v4 lora kicks ") and checkpoint.revision.count(" lora kicks ") == 2
    assert [lora.strength for lora in checkpoint.loras] == [0.5, 1.0]
    assert with_loras(Checkpoint("x", None, "v4"), []).revision == "v4"


def of_audioldm2(folder: Path) -> Path:
    """A LoRA for the untrained checkpoint, named as diffusers names it."""
    file = folder / "noisy.safetensors"
    width = 16
    tensors = parts(
        "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q", (4, width), (width, 4), ("lora_A", "lora_B")
    )
    save_file({name: 3 * tensor for name, tensor in tensors.items()}, file)
    return file


def test_audioldm2_sounds_otherwise_with_a_file_and_the_same_at_strength_0(built_cache: Path, tmp_path: Path) -> None:
    file = of_audioldm2(tmp_path)

    def sound(*loras: str) -> Any:
        config = EngineConfig(model=UNTRAINED, compute="cpu", compile="off", threads=1, lora=loras)
        engine: Any = open_engine(config, built_cache)
        engine.load(lambda done, total, what: None)
        (piece,) = engine.generate(Prompt("rain", "rain", 0.5, 5, steps=3), lambda step, steps: None)
        return np.frombuffer(piece.samples, "<f4")

    plain = sound()
    assert np.array_equal(plain, sound(f"{file}:0"))
    assert np.abs(plain - sound(str(file))).max() > 1e-3 * np.abs(plain).max()


def test_a_daemon_with_a_file_says_so_in_its_recipes_and_recall_tells_the_difference(
    start_daemon: Callable[..., Daemon], tmp_path: Path
) -> None:
    file = of_audioldm2(tmp_path)
    daemon = start_daemon("--model", UNTRAINED, "--lora", f"{file}:0.7", "--set", "engine.threads=1")
    client = daemon.client()
    client.send("/bridge/generate", "rain", 0.3, "steps", 2, "id", "one")
    address, reply = client.end_of("one")
    assert address == "/bridge/done", reply
    client.send("/bridge/measure", reply[1])
    facts = pairs(client.until("/bridge/measured")[1], 1)
    assert json.loads(facts["recipe"])["revision"].startswith("lora noisy ")


def test_a_file_for_another_family_stops_the_engine_with_a_sentence(
    start_daemon: Callable[..., Daemon], tmp_path: Path
) -> None:
    save_file(linear("blocks.0.to_q"), tmp_path / "other.safetensors")
    daemon = start_daemon("--model", UNTRAINED, "--lora", str(tmp_path / "other.safetensors"), wait=False)
    line = daemon.wait_for(lambda line: "another family" in str(line.get("why")), 60.0)
    assert "other.safetensors was trained for another family of checkpoints" in line["why"]
