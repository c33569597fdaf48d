"""An ACE-Step 1.5 checkpoint with random weights, 0.1 M of them, in the layout of the published ones."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import (
    AceStepAudioTokenDetokenizer,
    AceStepAudioTokenizer,
    AceStepConditionEncoder,
    AceStepPipeline,
    AceStepTransformer1DModel,
    AutoencoderOobleck,
    FlowMatchEulerDiscreteScheduler,
)
from transformers import Qwen3Config, Qwen3Model

from tests.engine.redrawn import redrawn
from tests.engine.tiny_tokenizers import SIZE, qwen

RATE, HOP = 48_000, 1_920
SIZES = {
    "hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16,
    "sliding_window": 16,
}  # fmt: skip


def build(folder: Path, turbo: bool = True, covers: bool = True, shard: str = "1GB") -> Path:
    """Build the checkpoint in `folder`, the same each time. `covers`: with the parts that a cover needs. `shard`: the size above which
    weights are in several files."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        _pipeline(turbo, covers).save_pretrained(folder, safe_serialization=True, max_shard_size=shard)
    (folder / "README.md").write_text("---\nlicense: mit\n---\n", "utf-8")
    return folder


def _pipeline(turbo: bool, covers: bool) -> AceStepPipeline:
    text = Qwen3Config(
        vocab_size=SIZE, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, head_dim=16,
    )  # fmt: skip
    conditions = AceStepConditionEncoder(
        **SIZES, text_hidden_dim=32, timbre_hidden_dim=8, num_lyric_encoder_hidden_layers=2,
        num_timbre_encoder_hidden_layers=2,
    )  # fmt: skip
    conditions.silence_latent.normal_()
    return AceStepPipeline(
        vae=redrawn(
            AutoencoderOobleck(
                encoder_hidden_size=16, downsampling_ratios=[2, 4, 4, 6, 10], channel_multiples=[1, 1, 1, 1, 1],
                decoder_channels=8, decoder_input_channels=8, audio_channels=2, sampling_rate=RATE,
            )
        ),
        text_encoder=redrawn(Qwen3Model(text)),
        tokenizer=qwen(),
        transformer=redrawn(
            AceStepTransformer1DModel(
                **SIZES, num_hidden_layers=2, in_channels=24, audio_acoustic_hidden_dim=8, is_turbo=turbo,
                model_version="turbo" if turbo else "base",
            )
        ),
        condition_encoder=redrawn(conditions),
        audio_tokenizer=AceStepAudioTokenizer(**SIZES, audio_acoustic_hidden_dim=8, fsq_dim=32) if covers else None,
        audio_token_detokenizer=AceStepAudioTokenDetokenizer(**SIZES, audio_acoustic_hidden_dim=8) if covers else None,
        scheduler=FlowMatchEulerDiscreteScheduler(num_train_timesteps=1, shift=1.0),
    )  # fmt: skip
