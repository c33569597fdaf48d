"""The text side of AudioLDM 2 in a small size: tokenizers trained on our captions, encoders of CLAP and T5, projection, GPT2."""

from __future__ import annotations

import json
import string
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AudioLDM2ProjectionModel
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import (
    ClapConfig,
    ClapFeatureExtractor,
    ClapModel,
    GPT2Config,
    GPT2LMHeadModel,
    RobertaTokenizerFast,
    T5Config,
    T5EncoderModel,
    T5TokenizerFast,
)

from bridge.starter.captions import UNRELATED, as_typed, caption
from bridge.starter.catalogue import SOUNDS, draw

WIDTH, CLAP_WIDTH = 128, 64
GENERATED = 8  # states that GPT2 makes from a prompt; the UNet attends to them
TOKENS = 64  # of the longest prompt
# The loader checks tokenizers with the first, since some versions of transformers load them wrongly without an error; the
# second is AudioLDM 2's usual negative prompt.
SENTENCES = ["the sound of a hammer hitting a wooden surface", "low quality, average quality."]
LETTERS = string.ascii_letters + string.digits + "#,.-'!?:;/&()+\"%"


@dataclass(frozen=True, slots=True)
class TextStack:
    """The parts by their names in the pipeline."""

    tokenizer: RobertaTokenizerFast
    tokenizer_2: T5TokenizerFast
    text_encoder: ClapModel
    text_encoder_2: T5EncoderModel
    projection_model: AudioLDM2ProjectionModel
    language_model: GPT2LMHeadModel
    feature_extractor: ClapFeatureExtractor

    def networks(self) -> dict[str, torch.nn.Module]:
        """The parts with weights, by name."""
        return {f.name: part for f in fields(self) if isinstance(part := getattr(self, f.name), torch.nn.Module)}

    def save(self, folder: Path) -> None:
        """Save each part to its own folder."""
        for field in fields(self):
            getattr(self, field.name).save_pretrained(folder / field.name)


def make(seed: int = 0) -> TextStack:
    """A stack with new weights, its tokenizers trained on captions. The same for the same seed."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    corpus = [caption(rng, sound, draw(rng, sound))[0] for _ in range(300) for sound in SOUNDS]
    corpus += [as_typed(rng, text) for text in corpus[::4]] + UNRELATED * 20 + SENTENCES * 60
    byte_pairs, unigrams = _byte_pairs(corpus), _unigrams(corpus)
    clap = ClapModel(
        ClapConfig(
            text_config=dict(
                vocab_size=len(byte_pairs), hidden_size=CLAP_WIDTH, num_hidden_layers=1, num_attention_heads=2,
                intermediate_size=128, max_position_embeddings=TOKENS + 8, projection_dim=CLAP_WIDTH,
                pad_token_id=byte_pairs.pad_token_id, bos_token_id=byte_pairs.bos_token_id,
                eos_token_id=byte_pairs.eos_token_id, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
                type_vocab_size=1,
            ),
            audio_config=dict(
                patch_embeds_hidden_size=16, depths=[1, 1], num_attention_heads=[1, 2], hidden_size=32,
                num_hidden_layers=2, projection_dim=CLAP_WIDTH, num_mel_bins=64, spec_size=256,
            ),
            projection_dim=CLAP_WIDTH,
        )
    )  # fmt: skip
    t5 = T5EncoderModel(
        T5Config(
            vocab_size=len(unigrams), d_model=WIDTH, d_kv=32, d_ff=256, num_layers=2, num_heads=4,
            feed_forward_proj="gated-gelu", dropout_rate=0.0, pad_token_id=0, eos_token_id=1,
        )
    )  # fmt: skip
    gpt2 = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=8, n_positions=TOKENS + 32, n_embd=WIDTH, n_layer=1, n_head=4, resid_pdrop=0.0, embd_pdrop=0.0,
            attn_pdrop=0.0, bos_token_id=0, eos_token_id=0, max_new_tokens=GENERATED,
        )
    )  # fmt: skip
    projection = AudioLDM2ProjectionModel(CLAP_WIDTH, WIDTH, WIDTH)
    for mark in ("sos_embed", "eos_embed", "sos_embed_1", "eos_embed_1"):
        torch.nn.init.normal_(getattr(projection, mark), std=0.5)
    extractor = ClapFeatureExtractor(feature_size=64, sampling_rate=48_000, max_length_s=10, truncation="rand_trunc")
    return TextStack(byte_pairs, unigrams, clap, t5, projection, gpt2, extractor)


def load(folder: Path) -> TextStack:
    """The stack that `save` wrote to `folder`."""
    classes: dict[str, Any] = dict(
        tokenizer=RobertaTokenizerFast, tokenizer_2=T5TokenizerFast, text_encoder=ClapModel, text_encoder_2=T5EncoderModel,
        projection_model=AudioLDM2ProjectionModel, language_model=GPT2LMHeadModel, feature_extractor=ClapFeatureExtractor,
    )  # fmt: skip
    return TextStack(**{name: cls.from_pretrained(folder / name) for name, cls in classes.items()})


def encode(stack: TextStack, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Texts that have the same number of T5 tokens → T5 states (n, tokens, 128), GPT2 states (n, 8, 128), CLAP (n, 64).

    Without padding between CLAP's part and the end: exactly what the engine does with each text alone.
    """
    device = stack.text_encoder_2.device
    clap_ids = stack.tokenizer(texts, padding=True, truncation=True, max_length=TOKENS, return_tensors="pt").to(device)
    t5_ids = stack.tokenizer_2(texts, truncation=True, max_length=TOKENS, return_tensors="pt").to(device)
    clap = stack.text_encoder.get_text_features(
        clap_ids.input_ids, attention_mask=clap_ids.attention_mask
    ).pooler_output
    t5 = stack.text_encoder_2(**t5_ids)[0]
    both = stack.projection_model(
        hidden_states=clap[:, None],
        hidden_states_1=t5,
        attention_mask=t5_ids.attention_mask.new_ones((len(texts), 1)),
        attention_mask_1=t5_ids.attention_mask,
    )
    past, states, made = None, both.hidden_states, []
    for _ in range(GENERATED):
        output = stack.language_model.transformer(inputs_embeds=states, past_key_values=past, use_cache=True)
        past, states = output.past_key_values, output[0][:, -1:]
        made.append(states)
    return t5, torch.cat(made, dim=1), clap


def of_one_length(stack: TextStack, texts: list[str]) -> list[list[int]]:
    """The indices of `texts`, grouped by their number of T5 tokens, so that no padding is needed."""
    groups: dict[int, list[int]] = {}
    for index, ids in enumerate(stack.tokenizer_2(texts, truncation=True, max_length=TOKENS).input_ids):
        groups.setdefault(len(ids), []).append(index)
    return list(groups.values())


def _byte_pairs(corpus: list[str]) -> RobertaTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=1_000, min_frequency=5, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        show_progress=False, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )  # fmt: skip
    tokenizer.train_from_iterator(corpus, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return RobertaTokenizerFast(
        vocab=model["vocab"], merges=[tuple(pair) for pair in model["merges"]], model_max_length=TOKENS
    )


def _unigrams(corpus: list[str]) -> T5TokenizerFast:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    trainer = trainers.UnigramTrainer(
        vocab_size=900, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False,
        initial_alphabet=[*LETTERS, "▁"],
    )  # fmt: skip
    tokenizer.train_from_iterator(corpus, trainer)
    vocabulary = [(str(piece), float(score)) for piece, score in json.loads(tokenizer.to_str())["model"]["vocab"]]
    known = {piece for piece, _ in vocabulary}
    # Letters that no caption contains should be rare, not unknown.
    vocabulary += [(letter, -14.0) for letter in LETTERS if letter not in known]
    return T5TokenizerFast(vocab=vocabulary, extra_ids=0, model_max_length=TOKENS)
