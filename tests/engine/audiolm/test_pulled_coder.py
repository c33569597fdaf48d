"""EnCodec, DAC and Mimi in their published layouts, with small random weights: the same tokens after loading, and models over them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from bridge.engine.audiolm import model_folder
from bridge.engine.audiolm.model_folder import load_coder
from bridge.engine.audiolm.pulled_coder import PulledCoder
from bridge.errors import NoModel

CODES = 64


def encodec() -> Any:
    from transformers import EncodecConfig, EncodecModel

    model = EncodecModel(
        EncodecConfig(num_filters=4, hidden_size=16, codebook_size=CODES, codebook_dim=16, num_lstm_layers=1)
    )
    for layer in model.quantizer.layers:
        layer.codebook.embed.normal_()
    return model


def dac() -> Any:
    from transformers import DacConfig, DacModel

    return DacModel(
        DacConfig(
            encoder_hidden_size=8, downsampling_ratios=[2, 4, 8, 8], decoder_hidden_size=64, n_codebooks=9,
            codebook_size=CODES, codebook_dim=8, sampling_rate=44_100,
        )
    )  # fmt: skip


def mimi() -> Any:
    from transformers import MimiConfig, MimiModel

    model = MimiModel(
        MimiConfig(
            num_filters=8, hidden_size=32, codebook_dim=16, codebook_size=CODES, num_hidden_layers=1, num_attention_heads=2,
            vector_quantization_hidden_dimension=16, num_key_value_heads=2, head_dim=16, intermediate_size=64, upsample_groups=32,
            num_quantizers=8, sliding_window=50,
        )
    )  # fmt: skip
    for name, values in model.named_buffers():
        if name.endswith("embed_sum"):
            values.normal_()
    return model


@pytest.fixture(params=[encodec, dac, mimi], ids=["encodec", "dac", "mimi"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    torch.manual_seed(1)
    request.param().eval().save_pretrained(tmp_path)
    return tmp_path


def wave(coder: PulledCoder) -> np.ndarray:
    return np.random.default_rng(1).normal(0, 0.1, coder.sample_rate).astype(np.float32)


def test_tokens_are_the_same_each_time_and_become_sound_of_the_length_asked_for(folder: Path) -> None:
    first, second = PulledCoder.load(folder), PulledCoder.load(folder)
    frames = first.frames(first.sample_rate)
    tokens = first.tokens(wave(first), frames)
    assert tokens.shape == (frames, first.books) and torch.equal(tokens, second.tokens(wave(first), frames))
    assert int(tokens.min()) >= 0 and int(tokens.max()) < first.codes == CODES
    sound = first.sound(tokens, first.sample_rate)
    assert len(sound) == first.sample_rate and np.isfinite(sound).all()
    assert len(first.period(tokens, first.sample_rate)) == frames * first.frame_samples


def test_what_is_kept_of_a_source_stays_sample_for_sample(folder: Path) -> None:
    coder = PulledCoder.load(folder)
    source, rate = wave(coder), coder.sample_rate
    tokens = coder.tokens(source, coder.frames(rate))
    made = coder.joined(tokens, source, rate // 2, rate)
    kept = rate // 2 - round(0.02 * rate)
    assert np.array_equal(made[:kept], source[:kept]) and not np.allclose(made[rate // 2 :], source[rate // 2 :])


def test_the_old_spelling_of_its_weights_gives_the_same_tokens(tmp_path: Path) -> None:
    torch.manual_seed(1)
    encodec().eval().save_pretrained(tmp_path)
    coder = PulledCoder.load(tmp_path)
    tokens = coder.tokens(wave(coder), 20)
    file = tmp_path / "model.safetensors"
    spelling = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    weights = {}
    for name, value in load_file(file).items():
        for new, old in spelling.items():
            name = name.replace(new, old)
        weights[name] = value.clone()
    assert any(name.endswith("weight_g") for name in weights)
    save_file(weights, file, metadata={"format": "pt"})
    assert torch.equal(PulledCoder.load(tmp_path).tokens(wave(coder), 20), tokens)


def test_a_model_over_a_published_codec_is_read_as_it_was_written(folder: Path, tmp_path: Path) -> None:
    from bridge.engine.audiolm.network import NetworkConfig, TokenNetwork
    from tests.engine.audiolm import small_model

    coder = PulledCoder.load(folder)
    causal, masked = (
        TokenNetwork(NetworkConfig(4, order, coder.books, coder.codes, width=16, depth=1, heads=2))
        for order in (True, False)
    )
    place = tmp_path / "model"
    model_folder.save(model_folder.TokenModel(coder, causal, masked, small_model.words()), place)
    read = model_folder.load(place)
    assert isinstance(read.coder, PulledCoder) and read.coder.sample_rate == coder.sample_rate


@pytest.mark.parametrize("damage", ["cut", "pickled", "another"])
def test_a_damaged_one_is_refused_with_a_sentence(tmp_path: Path, damage: str) -> None:
    dac().eval().save_pretrained(tmp_path)
    weights = tmp_path / "model.safetensors"
    if damage == "cut":
        weights.write_bytes(weights.read_bytes()[:2_000])
    elif damage == "pickled":
        torch.save(load_file(weights), tmp_path / "pytorch_model.bin")
        weights.unlink()
    else:
        (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(NoModel, match=str(tmp_path)):
        load_coder(tmp_path)
