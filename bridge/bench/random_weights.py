"""AudioLDM 2 checkpoints of real size with random weights: the values change the sound, not the speed.

Sizes are from the configuration files of the cvssp/audioldm2 checkpoints: 1.12 G weights (base, music), 1.49 G (large).
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch

from bridge.engine.audioldm2.untrained import Sizes, make_pipeline
from bridge.engine.loading import quiet

BASE = Sizes(
    vae_channels=(128, 256, 512),
    vae_layers=2,
    unet_channels=(128, 256, 384, 640),
    unet_layers=2,
    unet_heads=(4, 8, 12, 20),
    unet_attends=3,
    cross_attention=(None, 768, 1024),
    norm_groups=32,
    clap_width=512,
    clap_text={
        "hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12, "num_hidden_layers": 12,
        "vocab_size": 50_265, "max_position_embeddings": 514,
    },
    clap_audio={
        "depths": [2, 2, 12, 2], "num_attention_heads": [4, 8, 16, 32], "hidden_size": 1_024,
        "patch_embeds_hidden_size": 128,
    },
    t5={"vocab_size": 32_128, "d_model": 1_024, "d_ff": 2_816, "d_kv": 64, "num_heads": 16, "num_layers": 24},
    gpt2={},
    vocoder_channels=1_024,
)  # fmt: skip
SIZES = {
    "base": BASE,
    "music": BASE,
    "large": dataclasses.replace(BASE, cross_attention=(None, 768, 1024, None), transformer_layers=2),
}


def build(size: str, folder: Path) -> Path:
    """Write the checkpoint in fp16 to `folder` (2.2 or 3 GB) and return `folder`. Takes a minute."""
    quiet()
    make_pipeline(SIZES[size]).to(dtype=torch.float16).save_pretrained(folder, safe_serialization=True)
    return folder
