"""A model on disk, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from bridge.checkpoints import find
from bridge.engine.audiolm import model_folder
from bridge.engine.audiolm.mel_coder import MelCoder
from bridge.engine.audiolm.words import FILE, Words
from bridge.errors import NoModel
from tests.engine.audiolm import small_model


def test_a_model_is_read_as_it_was_written(tmp_path: Path) -> None:
    written, read = small_model.model(), model_folder.load(small_model.saved(tmp_path))
    mel = torch.randn(1, 50, 128, generator=torch.Generator().manual_seed(1))
    assert isinstance(written.coder, MelCoder) and isinstance(read.coder, MelCoder)
    assert torch.equal(written.coder.codec.tokens(mel), read.coder.codec.tokens(mel))
    assert read.words.tokens == written.words.tokens and read.causal.config == written.causal.config
    assert find.facts(str(tmp_path)).sample_rate == 44_100


def test_the_tokens_of_a_beginning_do_not_depend_on_what_follows() -> None:
    codec = small_model.codec()
    mel = torch.randn(1, 64, 128, generator=torch.Generator().manual_seed(1))
    other = mel.clone()
    other[:, 32:] = 0
    assert torch.equal(codec.tokens(mel)[:, :8], codec.tokens(other)[:, :8])
    assert codec.mel(codec.tokens(mel)).shape == mel.shape


def change(file: Path, **more: Any) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), **more}), "utf-8")


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "causal" / "config.json").write_text("{}"),
        lambda folder: (folder / "causal" / "model.safetensors").write_bytes(b"no weights"),
        lambda folder: change(folder / "masked" / "config.json", width=64),
        lambda folder: change(folder / "masked" / "config.json", width=10**9),
        lambda folder: change(folder / "codec" / "config.json", books="4"),
        lambda folder: change(folder / "codec" / "config.json", codes=64),
        lambda folder: change(folder / "causal" / "config.json", causal=False),
        lambda folder: change(folder / FILE, tokens=["kick"]),
        lambda folder: change(folder / FILE, means=7),
        lambda folder: (folder / FILE).unlink(),
        lambda folder: save_file(
            {name: value for name, value in load_file(folder / "codec" / "model.safetensors").items() if "books" not in name},
            folder / "codec" / "model.safetensors",
        ),
    ],
)  # fmt: skip
def test_a_damaged_model_is_refused_with_a_sentence(tmp_path: Path, damage: Any) -> None:
    folder = small_model.saved(tmp_path)
    damage(folder)
    with pytest.raises(NoModel) as error:
        model_folder.load(folder)
    assert str(tmp_path) in str(error.value) and str(error.value).endswith(".")


def test_words_are_heard_with_their_typing_errors() -> None:
    asked = small_model.words().hear("a DEEP bd, pleese")
    assert asked.heard == ("deep", "bd") and asked.shares.tolist() == [1, 0, 0, 1]
    assert small_model.words().bpm(small_model.words().hear("drum loop")) == (90, 130)
    assert small_model.words().is_ring(small_model.words().hear("pad")) and not small_model.words().is_ring(asked)


def test_words_that_are_learned_come_behind_those_that_are_known() -> None:
    more = small_model.words().with_more(["kick", "gong", "rusty", "gong"])
    assert more.tokens == ("kick", "pad", "drum_loop", "pitch low", "gong", "rusty")
    assert more.hear("rusty gong").heard == ("rusty", "gong")


def test_words_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match="belong"):
        Words(["kick"], {"snare": ["snare"]}, [], {})
