"""Encoded prompts, least recently used first out: a prompt that comes again costs no text encoding."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

CAPACITY = 256  # an entry is at most 512 tokens × 1024 values in fp16: 1 MiB


class Embeddings(NamedTuple):
    """One text, encoded alone. Tensors: `t5` (1, tokens, width), `mask` (1, tokens) int64, `gpt2` (1, 8, width)."""

    t5: Any
    mask: Any
    gpt2: Any
    tokens_cut: int  # how many tokens of the text did not fit the encoder


class PromptCache:
    """Text (or text and words to speak) → Embeddings, made by `encode` when they are not there."""

    def __init__(self, encode: Callable[[Any], Embeddings], capacity: int = CAPACITY) -> None:
        self._encode, self._capacity = encode, capacity
        self._entries: OrderedDict[Hashable, Embeddings] = OrderedDict()

    def get(self, text: Hashable) -> Embeddings:
        """The embeddings of `text`, cached or fresh."""
        found = self._entries.get(text)
        if found is None:
            found = self._entries[text] = self._encode(text)
            while len(self._entries) > self._capacity:
                self._entries.popitem(last=False)
        self._entries.move_to_end(text)
        return found
