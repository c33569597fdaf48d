"""A Stable Audio Open 1.0 checkpoint with random weights in the published layout: its clips have at most 3 seconds."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from diffusers import (
    AutoencoderOobleck,
    EDMDPMSolverMultistepScheduler,
    StableAudioDiTModel,
    StableAudioPipeline,
    StableAudioProjectionModel,
)
from transformers import T5Config, T5EncoderModel

from bridge.engine.audioldm2.untrained import _unigram_tokenizer
from tests.engine.redrawn import redrawn

RATE, HOP, LENGTH = 44_100, 2_048, 65
PUBLISHED = "CosineDPMSolverMultistepScheduler"  # cannot be built without torchsde


def build(folder: Path) -> Path:
    """Build the checkpoint in `folder`, the same each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(6)
        _pipeline().save_pretrained(folder, safe_serialization=True)
    for file, change in (("model_index.json", {"scheduler": ["diffusers", PUBLISHED]}),
                         ("scheduler/scheduler_config.json", {"_class_name": PUBLISHED})):  # fmt: skip
        content = json.loads((folder / file).read_text("utf-8"))
        (folder / file).write_text(json.dumps(content | change), "utf-8")
    return folder


def _pipeline() -> StableAudioPipeline:
    tokenizer = _unigram_tokenizer()
    tokenizer.model_max_length = 128
    return StableAudioPipeline(
        vae=AutoencoderOobleck(
            encoder_hidden_size=16, downsampling_ratios=[2, 4, 4, 8, 8], channel_multiples=[1, 1, 1, 1, 1],
            decoder_channels=8, decoder_input_channels=8, audio_channels=2, sampling_rate=RATE,
        ),
        text_encoder=redrawn(
            T5EncoderModel(T5Config(vocab_size=512, d_model=32, d_ff=64, d_kv=8, num_heads=2, num_layers=2))
        ),
        projection_model=StableAudioProjectionModel(
            text_encoder_dim=32, conditioning_dim=32, min_value=0, max_value=512
        ),
        tokenizer=tokenizer,
        transformer=redrawn(
            StableAudioDiTModel(
                sample_size=LENGTH, in_channels=8, num_layers=2, attention_head_dim=8, num_attention_heads=4,
                num_key_value_attention_heads=2, out_channels=8, cross_attention_dim=32, time_proj_dim=16,
                global_states_input_dim=64, cross_attention_input_dim=32,
            )
        ),
        scheduler=EDMDPMSolverMultistepScheduler(
            sigma_min=0.3, sigma_max=500, solver_order=2, prediction_type="v_prediction", sigma_data=1.0,
            sigma_schedule="exponential",
        ),
    )  # fmt: skip
