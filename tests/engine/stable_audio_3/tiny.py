"""A Stable Audio 3 checkpoint with random weights, 0.1 M of them, in the layout that diffusers' converter writes."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import AutoencoderSAME, FlowMatchEulerDiscreteScheduler, StableAudio3DiTModel, StableAudio3Pipeline
from diffusers.pipelines.stable_audio_3 import StableAudio3DurationEmbedder
from transformers import T5GemmaConfig, T5GemmaEncoderModel

from tests.engine.redrawn import redrawn
from tests.engine.tiny_tokenizers import SIZE, gemma

RATE, HOP = 44_100, 4_096


def build(folder: Path, distilled: bool = True) -> Path:
    """Build the checkpoint in `folder`, the same each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        _pipeline(distilled).save_pretrained(folder, safe_serialization=True)
    (folder / "README.md").write_text("---\nlicense: other\nlicense_name: stability-ai-community\n---\n", "utf-8")
    return folder


def _pipeline(distilled: bool) -> StableAudio3Pipeline:
    text = {
        "vocab_size": SIZE, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
        "num_key_value_heads": 2, "head_dim": 16, "query_pre_attn_scalar": 16, "sliding_window": 64,
        "max_position_embeddings": 512, "layer_types": ["sliding_attention", "full_attention"],
    }  # fmt: skip
    config = T5GemmaConfig(encoder=text, decoder=text, is_encoder_decoder=False, vocab_size=SIZE)
    vae = AutoencoderSAME(
        audio_channels=2, patch_size=256, encoder_channels=32, encoder_c_mults=[2], encoder_strides=[16],
        encoder_transformer_depths=[2], latent_dim=16, dim_heads=16, sampling_rate=RATE,
    )  # fmt: skip
    transformer = StableAudio3DiTModel(
        io_channels=16, embed_dim=64, depth=2, num_heads=2, cond_token_dim=32, global_cond_dim=32, local_add_cond_dim=17,
        timestep_features_dim=32, num_memory_tokens=4,
    )  # fmt: skip
    return StableAudio3Pipeline(
        vae=redrawn(vae),
        text_encoder=redrawn(T5GemmaEncoderModel(config)),
        tokenizer=gemma(),
        duration_embedder=StableAudio3DurationEmbedder(output_dim=32, fourier_dim=16),
        transformer=redrawn(transformer),
        scheduler=FlowMatchEulerDiscreteScheduler(stochastic_sampling=distilled, num_train_timesteps=1, shift=1.0),
    )
