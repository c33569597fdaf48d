"""Small tokenizers of the kinds that the families use, trained on a few sentences."""

from __future__ import annotations

import json
import string
from typing import Any

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import GemmaTokenizer, Qwen2Tokenizer

from bridge.engine.audioldm2.untrained import SENTENCES

SIZE = 600  # of the vocabulary


def gemma() -> GemmaTokenizer:
    """As T5Gemma has it: spaces are letters, and it begins with <bos>."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    vocabulary, merges = _trained(tokenizer, ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"], [*string.printable, "▁"])
    return GemmaTokenizer(vocab=vocabulary, merges=merges, model_max_length=256)


def qwen() -> Qwen2Tokenizer:
    """As Qwen3 has it: of bytes."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary, merges = _trained(tokenizer, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], alphabet)
    return Qwen2Tokenizer(vocab=vocabulary, merges=merges)


def _trained(tokenizer: Tokenizer, special: list[str], alphabet: list[str]) -> tuple[dict[str, int], Any]:
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE, special_tokens=special, show_progress=False, initial_alphabet=alphabet
    )
    sentences = [*SENTENCES, *(sentence.lower() for sentence in SENTENCES)]
    tokenizer.train_from_iterator(sentences * 20, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], [tuple(pair) for pair in model["merges"]]
