"""The second text encoder of a speech checkpoint: VITS reads the words to speak, letter by letter."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

# The token after the last word. diffusers' AudioLDM2Pipeline.encode_prompt sets it for the published speech checkpoints
# (anhnct/audioldm2_gigaspeech, anhnct/audioldm2_ljspeech).
END_OF_WORDS = 182


class Spoken(NamedTuple):
    """The input of a speech checkpoint: a description of the voice, and the words; None for a negative prompt."""

    text: str
    transcript: str | None


def speaks(pipe: Any) -> bool:
    """Whether this is a speech checkpoint."""
    return bool(pipe.text_encoder_2.config.model_type == "vits")


def words(pipe: Any, transcript: str | None, compute: str) -> tuple[torch.Tensor, torch.Tensor, int]:
    """States (1, tokens, width) and mask (1, tokens) of the words, and the number of tokens that were cut off. Without words all
    states are zeros and masked."""
    tokenizer, encoder = pipe.tokenizer_2, pipe.text_encoder_2.text_encoder
    limit = tokenizer.model_max_length
    if transcript is None:
        mask = torch.zeros((1, limit), dtype=torch.int64, device=compute)
        width = pipe.text_encoder_2.config.hidden_size
        return torch.zeros((1, limit, width), dtype=pipe.text_encoder_2.dtype, device=compute), mask, 0
    tokens = tokenizer(transcript, padding="max_length", max_length=limit, truncation=True, return_tensors="pt")
    ids, mask = tokens.input_ids.to(compute), tokens.attention_mask.to(compute)
    padded = (ids[0] == 0).nonzero()
    if len(padded):
        ids[0, padded[0]], mask[0, padded[0]] = END_OF_WORDS, 1
    states = encoder(ids, attention_mask=mask, padding_mask=mask.unsqueeze(-1).to(pipe.text_encoder_2.dtype))[0]
    return states, mask, max(0, len(tokenizer(transcript).input_ids) - limit)
