"""An encoded text, as the network reads it."""

from __future__ import annotations

from typing import Any, NamedTuple


class Embeddings(NamedTuple):
    """One text, encoded alone. Tensors: `t5` (1, tokens, width), `mask` (1, tokens) int64, `gpt2` (1, 8, width)."""

    t5: Any
    mask: Any
    gpt2: Any
    tokens_cut: int  # how many tokens of the text did not fit the encoder
