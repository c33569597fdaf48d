"""Speech checkpoints, with a small one of the published layout, in which VITS reads letters."""

from __future__ import annotations

import json
import string
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AudioLDM2ProjectionModel
from transformers import VitsConfig, VitsModel, VitsTokenizer

from bridge.bench.recipe import stock
from bridge.config import EngineConfig
from bridge.domain.clip import Prompt
from bridge.engine.audioldm2 import speech, untrained
from bridge.engine.audioldm2.engine import AudioLDM2
from bridge.engine.families import open_engine
from bridge.errors import NoModel
from tests.harness import Client

TOKENS = 48


def build(folder: Path, phonemize: bool = False) -> Path:
    """The untrained checkpoint with VITS as its second text encoder, as in anhnct/audioldm2_gigaspeech."""
    torch.manual_seed(1)
    pipe = untrained.make_pipeline()
    width = untrained.SMALL.t5["d_model"]
    config = VitsConfig(
        vocab_size=200, hidden_size=width, num_hidden_layers=2, num_attention_heads=2, ffn_dim=64, flow_size=width,
        spectrogram_bins=17, upsample_initial_channel=32, upsample_rates=[2, 2], upsample_kernel_sizes=[4, 4],
        wavenet_dilation_rate=1, posterior_encoder_num_wavenet_layers=1, prior_encoder_num_flows=1,
        prior_encoder_num_wavenet_layers=1,
    )  # fmt: skip
    pipe.text_encoder_2 = VitsModel(config)
    for weight in pipe.text_encoder_2.text_encoder.parameters():
        if weight.ndim == 2:
            torch.nn.init.normal_(weight, std=weight.shape[-1] ** -0.5)
    letters = folder.parent / "vocab.json"
    letters.write_text(json.dumps({c: i for i, c in enumerate("_ '" + string.ascii_lowercase)}))
    pipe.tokenizer_2 = VitsTokenizer(
        str(letters), phonemize=phonemize, add_blank=False, model_max_length=TOKENS, pad_token="_"
    )
    pipe.projection_model = AudioLDM2ProjectionModel(
        untrained.SMALL.clap_width,
        width,
        untrained.SMALL.gpt2["n_embd"],
        use_learned_position_embedding=True,
        max_seq_length=TOKENS,
    )
    for weight in pipe.projection_model.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    pipe.save_pretrained(folder)
    index = json.loads((folder / "model_index.json").read_text())
    index |= {"text_encoder_2": ["transformers", "VitsModel"], "tokenizer_2": ["transformers", "VitsTokenizer"]}
    index["projection_model"] = ["audioldm2", "AudioLDM2ProjectionModel"]
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder


@pytest.fixture(scope="module")
def speaker(tmp_path_factory: pytest.TempPathFactory) -> AudioLDM2:
    folder = build(tmp_path_factory.mktemp("speech") / "speaker")
    engine = open_engine(EngineConfig(model=str(folder), compute="cpu", compile="off"))
    assert isinstance(engine, AudioLDM2) and engine.load(lambda *stage: None).abilities.speech
    return engine


def wave(engine: AudioLDM2, transcript: str, **more: object) -> np.ndarray:
    prompt = Prompt("a calm voice", "a calm voice", 0.6, 5, steps=4, transcript=transcript, **more)  # type: ignore[arg-type]
    (piece,) = engine.generate(prompt, lambda step, steps: None)
    return np.frombuffer(piece.samples, "<f4")


def test_other_words_sound_different_and_the_same_words_sound_the_same(speaker: AudioLDM2) -> None:
    first = wave(speaker, "hello there")
    assert np.array_equal(first, wave(speaker, "hello there"))
    assert np.abs(first - wave(speaker, "good night")).max() > 1e-4


def test_speech_equals_that_of_the_stock_pipeline(speaker: AudioLDM2) -> None:
    rows = 16
    noise = speaker.noise([torch.Generator().manual_seed(5)], rows)
    expected = stock(speaker.pipe)(
        "a calm voice", transcription="hello there", latents=noise, num_inference_steps=4, guidance_scale=1.0,
        audio_length_in_s=rows * 640 / 16_000,
    ).audios[0]  # fmt: skip
    ours = wave(speaker, "hello there", guidance=1.0)
    assert np.abs(ours - expected[: len(ours)]).max() < 1e-5


def test_words_end_where_the_padding_begins_and_surplus_ones_get_a_remark(speaker: AudioLDM2) -> None:
    _, mask, cut = speech.words(speaker.pipe, "hello", "cpu")
    assert int(mask.sum()) == 6 and cut == 0  # five letters and the end
    prompt = Prompt("a voice", "a voice", 0.5, 1, transcript="word " * 40)
    assert "too much for the model" in speaker.remarks(prompt)["remark"]


def test_warming_needs_no_transcript(speaker: AudioLDM2) -> None:
    assert len(speaker.warm(lambda *stage: None)) == 1


def test_a_checkpoint_of_phonemes_is_refused_with_the_command_that_installs_their_reader(tmp_path: Path) -> None:
    engine = open_engine(
        EngineConfig(model=str(build(tmp_path / "speaker", phonemize=True)), compute="cpu", compile="off")
    )
    with pytest.raises(NoModel, match="pip install phonemizer.*espeak-ng"):
        engine.load(lambda *stage: None)


def test_a_checkpoint_that_does_not_speak_refuses_a_transcript_at_once(client: Client) -> None:
    client.send("/bridge/generate", "a calm voice", 1.0, "transcript", "hello there", "id", "said")
    _, values = client.until("/bridge/failed", job="said")
    assert values[1] == "unsupported" and "does not speak" in values[2]
