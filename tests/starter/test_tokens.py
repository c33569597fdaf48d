"""The base model of AudioLM: its training for a few steps, and what it is measured by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator

from bridge.engine.audiolm import model_folder
from bridge.engine.audiolm.codec import CodecConfig
from bridge.engine.audiolm.losses import hidden_parts
from bridge.engine.audiolm.mel_coder import MelCoder
from bridge.engine.audiolm.model_folder import TokenModel
from bridge.starter import dataset
from bridge.starter.catalogue import SOUNDS
from bridge.starter.tokens import data, measures, train_codec, train_hierarchy, train_orders

pytestmark = pytest.mark.train


def test_every_noun_of_the_catalogue_is_heard_as_its_sound() -> None:
    words = data.words()
    for sound in SOUNDS:
        for noun in sound.nouns:
            assert words.means[noun] == (sound.name,)
    asked = words.hear("a busy dusty hip hop beat")
    assert asked.shares.sum() >= 3 and words.bpm(asked) is not None


def test_a_few_steps_of_each_stage_make_a_model_that_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_codec, "CodecConfig", lambda: CodecConfig(width=16, dimensions=8, codes=32))
    groups = dataset.make(1, 1, workers=1)
    accelerator = Accelerator(cpu=True)
    codec = train_codec.train(groups, 3, tmp_path, accelerator)
    assert codec.codebooks.abs().sum() > 0
    coder = MelCoder(codec)
    tokens, known = data.encoded(coder, groups), data.words()
    assert sum(len(group.labels) for group in tokens) == dataset.CHUNK

    def trained(causal: bool, start: object = None) -> object:
        accelerator.free_memory()
        return train_orders.train(causal, tokens, coder, known, 3, tmp_path, accelerator, start)  # type: ignore[arg-type]

    causal = trained(True)
    masked = trained(False, causal)
    model_folder.save(TokenModel(coder, causal, masked, known), tmp_path / "model")  # type: ignore[arg-type]
    assert model_folder.load(tmp_path / "model").words.tokens == known.tokens
    stages = train_hierarchy.train(tokens, codec, known, 6, tmp_path, accelerator)
    model_folder.save_hierarchy(stages, known, tmp_path / "hierarchy")
    read, _ = model_folder.load_hierarchy(tmp_path / "hierarchy")
    assert read.alphabet == stages.alphabet


def test_what_is_learned_is_hidden_and_so_is_every_finer_book() -> None:
    tokens = torch.zeros(200, 40, 4, dtype=torch.long)
    hidden, book = hidden_parts(np.random.default_rng(1), tokens)
    for clip in range(200):
        kept = ~hidden[clip, :, book[clip] + 1 :].any(1)
        assert not hidden[clip, :, : book[clip]].any()
        assert book[clip] == 3 or not hidden[clip, kept].any() or not kept.any()
    assert 0.2 < float(hidden.float().mean()) < 0.8


def test_the_measures_tell_a_rhythm_from_another() -> None:
    mel = np.full((344, 128), -1.0, np.float32)
    mel[20::43] = 1.0
    late = np.roll(mel, 20, 0)
    assert measures.onset_f(mel, mel) == 1.0 and measures.phase(mel, mel) == pytest.approx(1.0)
    assert measures.onset_f(mel, late) == 0.0 and measures.phase(mel, late) < 0.1
    assert measures.onset_f(mel, np.roll(mel, 4, 0)) == 1.0
