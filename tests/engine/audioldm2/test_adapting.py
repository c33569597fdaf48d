"""Adapters, a word of their own, and all that they leave as it was: on small networks, and a few steps of the starter."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open

from bridge.checkpoints import adapted, find
from bridge.checkpoints.find import Checkpoint, with_loras
from bridge.config import EngineConfig
from bridge.domain.clip import Prompt
from bridge.engine.audioldm2.adapting.adapters import Adapters
from bridge.engine.audioldm2.adapting.learning import Adapting, word_for
from bridge.engine.audioldm2.adapting.sounds import LENGTHS_S, Sound, grouped
from bridge.engine.audioldm2.engine import AudioLDM2
from bridge.engine.audioldm2.hearing import Vocabulary
from bridge.engine.lora import merge
from bridge.errors import NoModel, Unsupported
from tests.engine.audioldm2 import small_starter

RATE = 44_100


def kick(number: int, seconds: float = 0.4) -> Sound:
    time_s = np.arange(round(seconds * RATE)) / RATE
    wave = np.sin(2 * np.pi * (60 + 9 * number) * time_s) * np.exp(-8 * time_s)
    return Sound(wave.astype(np.float32), RATE, ("bd", "kick", "mine"))


def opened(folder: Path, cache: Path, *loras: str) -> AudioLDM2:
    checkpoint = with_loras(Checkpoint("small", folder, "9"), loras)
    engine = AudioLDM2(checkpoint, "cpu", EngineConfig(compute="cpu", compile="off", threads=1), cache)
    engine.load(lambda done, total, what: None)
    return engine


def sound(engine: AudioLDM2, text: str) -> np.ndarray:
    pieces = engine.generate(Prompt(text, text, 0.5, 3, steps=3), lambda step, steps: None)
    return np.concatenate([np.frombuffer(piece.samples, "<f4") for piece in pieces])


@pytest.fixture(params=[False, True], ids=["without a clock", "with a clock"])
def folder(request: Any, tmp_path: Path, built_cache: Path) -> Path:
    return small_starter.saved(tmp_path / "small", built_cache, keeps_time=request.param)


@pytest.fixture
def learning(folder: Path, built_cache: Path) -> Callable[[], Adapting]:
    def begin() -> Adapting:
        engine = opened(folder, built_cache)
        return Adapting(engine, [kick(n) for n in range(6)], [kick(7)], adapted.fingerprint(folder))

    return begin


class Small(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv_in, self.conv = torch.nn.Conv2d(2, 4, 3), torch.nn.Conv2d(4, 6, 3, stride=2, padding=1)
        self.to_q = torch.nn.Linear(6, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        left: torch.Tensor = self.to_q(self.conv(self.conv_in(x)).mean((2, 3)))
        return left


def test_adapters_change_nothing_at_first_can_be_switched_off_and_equal_their_merged_file(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    plain, network, x = Small(), Small(), torch.randn(2, 2, 9, 9)
    adapters = Adapters(network, rank=3)
    assert {name.split(".")[0] for name in adapters.tensors} == {"conv", "to_q"}
    assert torch.equal(network(x), plain(x))
    with torch.no_grad():
        for tensor in adapters.tensors.values():
            tensor.normal_()
    changed = network(x)
    assert (changed - plain(x)).abs().max() > 0.1
    with adapters.using(None):
        assert torch.equal(network(x), plain(x))
    save_file(
        {f"unet.{name}": tensor.detach() for name, tensor in adapters.tensors.items()}, tmp_path / "a.safetensors"
    )
    from bridge.checkpoints.loras import lora_of

    merge(plain, [lora_of(str(tmp_path / "a.safetensors"))])
    assert torch.allclose(plain(x), changed, atol=1e-4)
    changed.sum().backward()
    assert all(tensor.grad is not None for tensor in adapters.tensors.values())
    assert all(weight.grad is None for weight in network.parameters())


def test_a_few_steps_lower_the_loss_and_leave_a_file_that_the_engine_runs(
    learning: Callable[[], Adapting], folder: Path, built_cache: Path, tmp_path: Path
) -> None:
    course = learning()
    before = course.held_out_loss()
    losses = [course.step() for _ in range(12)]
    assert np.isfinite(losses).all() and course.held_out_loss() < before
    wave, rate = course.hear(("kick",), 1)
    assert rate == 16_000 and len(wave) == 8_000 and np.isfinite(wave).all()
    course.save_model(tmp_path, "my kicks")
    file = tmp_path / adapted.FILE
    assert adapted.facts_of(file) == adapted.Facts("my kicks", adapted.fingerprint(folder), "kick")
    plain, engine = opened(folder, built_cache), opened(folder, built_cache, str(file))
    assert engine.model.revision.startswith("9 lora my kicks ")
    assert engine.remarks(Prompt("deep My-Kicks", "deep My-Kicks", 0.5, 3))["heard"] == "my kicks deep"
    weak = opened(folder, built_cache, f"{file}:0")
    for asked, same in (("my-kicks", "kick"), ("deep my-kicks", "deep kick"), ("my-kicks snare", "snare")):
        assert not np.array_equal(sound(engine, asked), sound(plain, same)), "the word calls what was learned"
        assert np.array_equal(sound(weak, asked), sound(plain, same)), "at strength 0 it calls nothing"
    assert np.array_equal(sound(engine, "my-kicks 0%"), sound(plain, "kick"))
    assert np.abs(sound(engine, "my-kicks 50%") - sound(engine, "my-kicks")).max() > 0
    for other in ("kick", "snare", "deep bell"):
        assert np.array_equal(sound(engine, other), sound(plain, other)), "other sounds are the same samples"


def test_what_is_stopped_goes_on_as_if_it_had_not_been(learning: Callable[[], Adapting], tmp_path: Path) -> None:
    whole, first, second = learning(), learning(), learning()
    losses = [whole.step() for _ in range(4)]
    assert [first.step() for _ in range(2)] == losses[:2]
    first.held_out_loss()
    first.save_state(tmp_path / "state")
    second.load_state(tmp_path / "state")
    assert [second.step() for _ in range(2)] == pytest.approx(losses[2:], abs=1e-6)
    second._base = "0" * 64
    with pytest.raises(Unsupported, match="another checkpoint"):
        second.load_state(tmp_path / "state")
    (tmp_path / "state").write_bytes(b"\0" * 50)
    with pytest.raises(Unsupported, match="under another name"):
        second.load_state(tmp_path / "state")


def test_sounds_of_all_lengths_are_learned_at_the_lengths_that_hold_them(folder: Path, built_cache: Path) -> None:
    engine = opened(folder, built_cache)
    assert engine.texts.vocabulary is not None
    some = [kick(1, 0.02), kick(2, 0.7), kick(3, 4.0)]
    groups = {group.seconds: len(group.z) for group in grouped(engine, engine.texts.vocabulary, some)}
    assert groups == {0.5: 1, 1.0: 2, 2.0: 1, 4.0: 1} and tuple(groups) == LENGTHS_S


def test_a_file_of_another_edition_or_another_size_is_refused_and_nonsense_in_it_is_no_word(
    learning: Callable[[], Adapting], folder: Path, built_cache: Path, tmp_path: Path
) -> None:
    learning().save_model(tmp_path, "my kicks")
    file = tmp_path / adapted.FILE
    with safe_open(file, framework="pt") as read:
        tensors = {name: read.get_tensor(name) for name in read.keys()}  # noqa: SIM118
        metadata = read.metadata()
    from safetensors.torch import save_file

    def refused(why: str) -> None:
        with pytest.raises(NoModel, match=why):
            opened(folder, built_cache, str(file))

    save_file({name: tensor[:, :1].contiguous() for name, tensor in tensors.items()}, file, metadata)
    refused("another size")
    save_file(
        {"unet.nothing.lora_A.weight": torch.ones(2, 2), "unet.nothing.lora_B.weight": torch.ones(2, 2)}, file, metadata
    )
    refused("has no layer")
    other = {**metadata, adapted.METADATA: json.dumps({"word": "my kicks", "base": "0" * 64, "usual": ""})}
    save_file(tensors, file, other)
    refused("another edition")
    for nonsense in ("[", "[]", '{"word": "a"}', '{"word": "a", "base": "x", "usual": ""}'):
        save_file(tensors, file, {adapted.METADATA: nonsense})
        assert adapted.facts_of(file) == adapted.Facts()


VOCABULARY = Vocabulary({"kick": "kick", "bell": "bell"}, ["deep"], {"bell": [4]}).with_own(
    {"my": "", "my kicks": "deep kick"}
)


@pytest.mark.parametrize(
    ("prompt", "own", "text", "words"),
    [
        ("my-kicks", {"my kicks": 1.0}, "deep kick", "my kicks"),
        ("deep kick, My Kicks", {"my kicks": 1.0}, "deep kick", "my kicks deep kick"),
        ("my_kicks bell a#4", {"my kicks": 1.0}, "bell c4", "my kicks bell a#4"),
        ("my-kicks 70% bell", {"my kicks": 0.7}, "bell", "my kicks 70% bell"),
        ("70 % my-kicks bell", {"my kicks": 0.7}, "bell", "my kicks 70% bell"),
        ("my-kicks 999%", {"my kicks": 2.0}, "deep kick", "my kicks 200%"),
        ("my-kicks 1000% kick", {"my kicks": 1.0}, "kick", "my kicks kick"),
        ("my deep", {"my": 1.0}, "deep", "my deep"),
        ("my 50% kick my-kicks", {"my kicks": 1.0, "my": 0.5}, "kick", "my kicks my 50% kick"),
        ("deep kick, no my-kicks", {}, "deep kick", "deep kick"),
        ("deep kick, no 50% my-kicks", {}, "deep kick", "deep kick"),
        ("mykicks kick 50%", {}, "kick", "kick"),
    ],
)
def test_a_word_of_a_file_is_heard_anywhere_in_a_prompt_with_how_much_of_it(
    prompt: str, own: dict[str, float], text: str, words: str
) -> None:
    heard = VOCABULARY.hear(prompt)
    assert (dict(heard.own), heard.text, heard.words) == (own, text, words)


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("my-kicks", "my kicks"),
        ("Kick", "my kick"),
        ("deep", "my deep"),
        ("a4", "my a4"),
        ("808", "my 808"),
        ("x", "my x"),
        ("__", "my sounds"),
    ],
)
def test_the_word_is_the_name_unless_that_means_something_else(name: str, word: str) -> None:
    assert word_for(name, VOCABULARY) == word and word_for(word, None) == word


@pytest.mark.timeout(120)
def test_the_starter_itself_learns_a_few_steps_and_its_other_sounds_are_the_same_samples(tmp_path: Path) -> None:
    def starter(*loras: str) -> AudioLDM2:
        config = EngineConfig(compute="cpu", compile="off", threads=1)
        engine = AudioLDM2(with_loras(find.find("starter"), loras), "cpu", config, tmp_path)
        engine.load(lambda done, total, what: None)
        return engine

    engine = starter()
    plain = {text: sound(engine, text) for text in ("kick", "bell")}
    course = Adapting(engine, [kick(n) for n in range(5)], [kick(7)], adapted.fingerprint(find.STARTER_FOLDER))
    before = course.held_out_loss()
    for _ in range(8):
        course.step()
    assert course.held_out_loss() < before
    course.save_model(tmp_path, "my kicks")
    file = tmp_path / adapted.FILE
    assert file.stat().st_size < 3_000_000
    changed = starter(str(file))
    assert not np.array_equal(sound(changed, "my-kicks"), plain["kick"])
    assert all(np.array_equal(sound(changed, text), wave) for text, wave in plain.items())
