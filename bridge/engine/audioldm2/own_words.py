"""Words that LoRA files bring along: what their sounds are called, and what such a word adds to an encoded text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open

from bridge.checkpoints import adapted
from bridge.checkpoints.loras import Lora
from bridge.engine.lora import WORD
from bridge.errors import NoModel

T5, GPT2 = f"{WORD}t5", f"{WORD}gpt2"


class OwnWord(NamedTuple):
    """What a word adds to each T5 state, `t5` (width,), and to the GPT-2 states, `gpt2` (states, width)."""

    t5: torch.Tensor
    gpt2: torch.Tensor

    def times(self, factor: float) -> OwnWord:
        """The word at another strength."""
        return OwnWord(self.t5 * factor, self.gpt2 * factor)


OwnWords = Mapping[str, OwnWord]


def read(loras: Iterable[Lora], base: Path, compute: str) -> dict[str, OwnWord]:
    """The words of LoRA files, at their strength. Raises NoModel for a file that is damaged, or was learned from another checkpoint
    than the one in the folder `base`."""
    words = {}
    for lora in loras:
        if lora.base and lora.base != adapted.fingerprint(base):
            raise NoModel(
                f"{lora.name} was learned from another edition of this checkpoint, or from another one. Learn its folder again."
            )
        if lora.word:
            words[lora.word] = _read(lora).times(lora.strength)
    return {word: OwnWord(*(tensor.to(compute) for tensor in parts)) for word, parts in words.items()}


def check(words: OwnWords, t5: torch.Tensor, gpt2: torch.Tensor) -> None:
    """Raises NoModel if words do not fit the states (1, tokens, width) of an encoded text."""
    for word, (of_t5, of_gpt2) in words.items():
        if of_t5.shape != t5.shape[2:] or of_gpt2.shape != gpt2.shape[1:]:
            raise NoModel(f"The word {word!r} was learned for a checkpoint of another size. Learn its folder again.")
        if not (torch.isfinite(of_t5).all() and torch.isfinite(of_gpt2).all()):
            raise NoModel(f"The file of the word {word!r} is damaged. Learn its folder again.")


def _read(lora: Lora) -> OwnWord:
    try:
        with safe_open(lora.file, framework="pt") as opened:
            return OwnWord(opened.get_tensor(T5).float(), opened.get_tensor(GPT2).float())
    except (OSError, SafetensorError, RuntimeError, ValueError) as error:
        raise NoModel(f"The LoRA file of {lora.word!r} is damaged ({' '.join(str(error).split())[:200]}).") from error
