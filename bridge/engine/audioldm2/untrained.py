"""A small AudioLDM 2 checkpoint with random weights, built on this machine in a second: nothing to download.

It has all parts of a published one, with the same time geometry (16 kHz, hop 160, VAE ×4, UNet ×8), and makes noise that
depends on the prompt. It is for tests, and for trying hosts, presets and folders before weights are downloaded.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AudioLDM2Pipeline,
    AudioLDM2ProjectionModel,
    AudioLDM2UNet2DConditionModel,
    AutoencoderKL,
    DDIMScheduler,
)
from filelock import FileLock
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import (
    ClapAudioConfig,
    ClapConfig,
    ClapFeatureExtractor,
    ClapModel,
    ClapTextConfig,
    GPT2Config,
    GPT2LMHeadModel,
    RobertaTokenizerFast,
    SpeechT5HifiGan,
    SpeechT5HifiGanConfig,
    T5Config,
    T5EncoderModel,
    T5TokenizerFast,
)

VERSION = 2  # in the folder's name; raise it whenever the weights change
SEED = 57200


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes in which AudioLDM 2 checkpoints differ; names as in the libraries' configurations."""

    vae_channels: tuple[int, ...] = (4, 4, 8)
    vae_layers: int = 1
    unet_channels: tuple[int, ...] = (8, 8, 8, 16)
    unet_layers: int = 1
    unet_heads: tuple[int, ...] = (1, 1, 1, 2)
    unet_attends: int = 1  # number of levels, from the innermost, that attend to the text
    transformer_layers: int = 1
    cross_attention: tuple[int | None, ...] = (None, 16, 32)  # None (self-attention), GPT-2's width, T5's width
    norm_groups: int = 4
    clap_width: int = 16
    clap_text: dict[str, Any] = field(
        default_factory=lambda: {
            "hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 2, "num_hidden_layers": 2,
            "vocab_size": 640, "max_position_embeddings": 520, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2,
        }
    )  # fmt: skip
    clap_audio: dict[str, Any] = field(
        default_factory=lambda: {  # hidden_size must be patch_embeds_hidden_size × 2 ** (len(depths) - 1)
            "spec_size": 256, "window_size": 8, "num_mel_bins": 64, "depths": [1, 1], "num_attention_heads": [2, 2],
            "num_hidden_layers": 2, "hidden_size": 32, "patch_embeds_hidden_size": 16,
        }
    )  # fmt: skip
    t5: dict[str, Any] = field(
        default_factory=lambda: {
            "vocab_size": 512, "d_model": 32, "d_ff": 64, "d_kv": 8, "num_heads": 2, "num_layers": 2,
        }
    )  # fmt: skip
    gpt2: dict[str, Any] = field(
        default_factory=lambda: {
            "n_embd": 16, "n_head": 2, "n_layer": 2, "vocab_size": 64, "n_positions": 600, "bos_token_id": 0,
            "eos_token_id": 1,
        }
    )  # fmt: skip
    vocoder_channels: int = 32


SMALL = Sizes()

# The tokenizers are trained on these. The loader checks the first sentence.
SENTENCES = [
    "The sound of a hammer hitting a wooden surface",
    "low quality, average quality.",
    "one deep punchy kick drum, dry and close, no background",
    "a bright closed hi-hat loop, tight and metallic, 120 bpm",
    "warm vinyl crackle over a soft piano chord",
    "rain falling on a tin roof while thunder rolls in the distance",
    "a long dark riser into a huge cinematic impact",
    "glitchy digital noise, stutter and bit-crushed texture",
]
LETTERS = [" ".join("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,!?'-#&()")]


def build(cache: Path, again: bool = False) -> Path:
    """The checkpoint's folder inside `cache`, built if it is missing, or `again` if it is damaged. Several processes may call
    this at once."""
    folder = cache / f"untrained-{VERSION}"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / "untrained.lock"):
        if again or not (folder / "model_index.json").is_file():
            unfinished = cache / f"untrained-{VERSION}.unfinished"
            for leftover in (unfinished, folder):
                shutil.rmtree(leftover, ignore_errors=True)
            make_pipeline().save_pretrained(unfinished, safe_serialization=True)
            unfinished.rename(folder)
    return folder


def make_pipeline(sizes: Sizes = SMALL) -> AudioLDM2Pipeline:
    """The pipeline in memory, the same on every call and machine. SMALL has about 0.35 M weights."""
    plain, attending = len(sizes.unet_channels) - sizes.unet_attends, sizes.unet_attends
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return AudioLDM2Pipeline(
            vae=AutoencoderKL(
                in_channels=1, out_channels=1, latent_channels=8, block_out_channels=sizes.vae_channels,
                layers_per_block=sizes.vae_layers, norm_num_groups=sizes.norm_groups, sample_size=1024,
                scaling_factor=0.4, down_block_types=["DownEncoderBlock2D"] * len(sizes.vae_channels),
                up_block_types=["UpDecoderBlock2D"] * len(sizes.vae_channels),
            ),
            unet=AudioLDM2UNet2DConditionModel(
                sample_size=256, in_channels=8, out_channels=8, block_out_channels=sizes.unet_channels,
                layers_per_block=sizes.unet_layers, norm_num_groups=sizes.norm_groups,
                attention_head_dim=sizes.unet_heads,
                down_block_types=("DownBlock2D",) * plain + ("CrossAttnDownBlock2D",) * attending,
                up_block_types=("CrossAttnUpBlock2D",) * attending + ("UpBlock2D",) * plain,
                cross_attention_dim=(list(sizes.cross_attention),) * len(sizes.unet_channels),
                transformer_layers_per_block=sizes.transformer_layers,
            ),
            **_text_parts(sizes),
            vocoder=_vocoder(sizes),
            # The schedule of published checkpoints.
            scheduler=DDIMScheduler(
                beta_start=0.0015, beta_end=0.0195, beta_schedule="scaled_linear", steps_offset=1, clip_sample=False,
                set_alpha_to_one=False, prediction_type="epsilon", timestep_spacing="leading",
            ),
        )  # fmt: skip


def _text_parts(sizes: Sizes) -> dict[str, Any]:
    text = ClapTextConfig(**sizes.clap_text, projection_dim=sizes.clap_width)
    audio = ClapAudioConfig(**sizes.clap_audio, projection_dim=sizes.clap_width)
    clap = ClapModel(
        ClapConfig(text_config=text.to_dict(), audio_config=audio.to_dict(), projection_dim=sizes.clap_width)
    )
    t5 = T5EncoderModel(T5Config(**sizes.t5, feed_forward_proj="gated-gelu"))
    gpt2 = GPT2LMHeadModel(GPT2Config(**sizes.gpt2))
    gpt2.config.max_new_tokens = 8
    projection = AudioLDM2ProjectionModel(sizes.clap_width, t5.config.d_model, gpt2.config.n_embd)
    with torch.no_grad():
        # With the libraries' initial weights (std 0.01 to 0.02) all prompts sound alike at this size.
        for part in (gpt2, t5, clap.text_model):
            for weight in part.parameters():
                if weight.ndim == 2:
                    weight.normal_(0, weight.shape[-1] ** -0.5)
        for mark in (projection.sos_embed, projection.eos_embed, projection.sos_embed_1, projection.eos_embed_1):
            mark.normal_()
    return {
        "text_encoder": clap,
        "text_encoder_2": t5,
        "projection_model": projection,
        "language_model": gpt2,
        "tokenizer": _byte_pair_tokenizer(),
        "tokenizer_2": _unigram_tokenizer(),
        "feature_extractor": ClapFeatureExtractor(truncation="rand_trunc"),
    }


def _vocoder(sizes: Sizes) -> SpeechT5HifiGan:
    vocoder = SpeechT5HifiGan(
        SpeechT5HifiGanConfig(
            model_in_dim=64, sampling_rate=16000, upsample_initial_channel=sizes.vocoder_channels,
            upsample_rates=[5, 4, 2, 2, 2], upsample_kernel_sizes=[16, 16, 8, 4, 4], resblock_kernel_sizes=[3, 7, 11],
            resblock_dilation_sizes=[[1, 3, 5]] * 3, normalize_before=False,
        )
    )  # fmt: skip
    with torch.no_grad():  # fan-in scaling: with the library's initial weights the output is 3e-11
        for layer in vocoder.modules():
            if isinstance(layer, torch.nn.Conv1d):
                layer.weight.normal_(0, layer.weight[0].numel() ** -0.5)
            elif isinstance(layer, torch.nn.ConvTranspose1d):
                layer.weight.normal_(0, (layer.weight.shape[0] * layer.kernel_size[0] // layer.stride[0]) ** -0.5)
            else:
                continue
            layer.bias.normal_(0, 0.01)
    return vocoder


def _byte_pair_tokenizer() -> RobertaTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"], show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )  # fmt: skip
    tokenizer.train_from_iterator(SENTENCES * 20, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return RobertaTokenizerFast(
        vocab=model["vocab"], merges=[tuple(pair) for pair in model["merges"]], model_max_length=512
    )


def _unigram_tokenizer() -> T5TokenizerFast:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    trainer = trainers.UnigramTrainer(
        vocab_size=400, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(SENTENCES * 20 + LETTERS * 5, trainer)
    # Rounded: the last digits of trained scores depend on the order of a hash table.
    vocabulary = [(piece, round(score, 6)) for piece, score in json.loads(tokenizer.to_str())["model"]["vocab"]]
    vocabulary += [(f"<extra_id_{number}>", 0.0) for number in range(9, -1, -1)]
    return T5TokenizerFast(vocab=vocabulary, extra_ids=10, model_max_length=512)
