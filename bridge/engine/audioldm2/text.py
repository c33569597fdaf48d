"""The text side of the engine: the words heard in a prompt, and their embeddings, each text encoded alone and cached."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F

from bridge.domain.clip import Prompt
from bridge.domain.words import UNHEARD, plain
from bridge.engine.audioldm2 import speech
from bridge.engine.audioldm2.hearing import Heard, Vocabulary, without_notes
from bridge.engine.audioldm2.speech import Spoken
from bridge.engine.runtime.threads import one_thread

MAX_TOKENS = 512
CACHED_TEXTS = 256  # an entry is at most 512 tokens × 1024 values in fp16: 1 MiB


class Embeddings(NamedTuple):
    """A text, encoded alone: `t5` (1, tokens, width), `mask` (1, tokens) int64, `gpt2` (1, 8, width)."""

    t5: torch.Tensor
    mask: torch.Tensor
    gpt2: torch.Tensor
    tokens_cut: int  # tokens beyond the limit of the encoder


Texts = tuple[Embeddings, Embeddings | None]
"""The text and the negative text, None for no guidance; each for all of a batch, or stacked for each of it."""


class TextSide:
    """Hears and encodes texts for one pipeline on its compute. `vocabulary`: None if the checkpoint understands free text."""

    def __init__(self, pipe: Any, compute: str, vocabulary: Vocabulary | None) -> None:
        self._pipe, self._compute = pipe, compute
        self.vocabulary = vocabulary
        self.speaks = speech.speaks(pipe)
        self.encoded = functools.lru_cache(maxsize=CACHED_TEXTS)(self._encode)
        # Called four times in each job; a prompt of 1,900 characters takes 29 ms.
        self.hears = functools.lru_cache(maxsize=16)(self._hear)

    def _hear(self, prompt: Prompt) -> Heard:
        """The words for the encoders. If the musician named no sound, those of the source are used, or those of the preset."""
        if self.vocabulary is None:
            return Heard(prompt.full_text, prompt.full_text)
        text = f"{prompt.text}, {prompt.note}" if prompt.note else prompt.text
        heard = self.vocabulary.hear(text)
        if (
            not heard.noun
            and prompt.source is not None
            and (of_source := self.vocabulary.hear(prompt.source.words)).noun
        ):
            # "dirtier": of "deep kick", the kick. What else it is, its sound says.
            words = f"{heard.words} {of_source.noun}" if heard.words else prompt.source.words
            heard = self.vocabulary.hear(f"{words}, {prompt.note}" if prompt.note else words)
        if not heard.noun and prompt.full_text != text:
            heard = self.vocabulary.hear(prompt.full_text)
        if not heard.noun and not heard.own:
            # No known word: let the encoders guess from the spelling, without a note, which nothing would tune.
            remark = f"{UNHEARD}; {heard.remark}" if heard.remark else UNHEARD
            return replace(heard, text=without_notes(plain(prompt.text)), remark=remark)
        return heard

    def positive(self, prompt: Prompt) -> Embeddings:
        """The embeddings of the prompt."""
        text = self.hears(prompt).text
        return self.encoded(Spoken(text, prompt.transcript) if self.speaks else text)

    def negative(self, prompt: Prompt) -> Embeddings | None:
        """The embeddings of the negative prompt; None without guidance."""
        if prompt.evaluations == 1:
            return None
        text = prompt.negative or ""
        if self.vocabulary is not None:
            text = self.vocabulary.hear(text, correct=False).text
        return self.encoded(Spoken(text, None) if self.speaks else text)

    def remarks(self, prompt: Prompt) -> dict[str, str]:
        """The words heard, the tokens left out, the note that was not followed. See Engine.remarks."""
        heard = self.hears(prompt)
        texts = {"prompt": self.positive(prompt), "negative prompt": self.negative(prompt)}
        sentences = [
            f"the last {text.tokens_cut} tokens of the {name} were too much for the model and were left out"
            for name, text in texts.items()
            if text is not None and text.tokens_cut
        ]
        # The name of a file is not what the musician asked for.
        of_the_source = prompt.source is not None and prompt.text == prompt.source.words
        sentences += [heard.remark] if heard.remark and not of_the_source else []
        if self.vocabulary is None and prompt.note:
            sentences.append("this checkpoint reads the note as a word only and may not follow it")
        remark = {"remark": "; ".join(sentences)} if sentences else {}
        return remark if self.vocabulary is None else {"heard": heard.words, **remark}

    def clap(self, text: str) -> torch.Tensor:
        """CLAP's embedding (1, width) of a text."""
        embedding: torch.Tensor = self._pipe.text_encoder.get_text_features(
            **self._tokens(self._pipe.tokenizer, text)[0]
        ).pooler_output
        return embedding

    @one_thread()
    @torch.no_grad()
    def _encode(self, source: str | Spoken) -> Embeddings:
        """Encode one text alone. For a single prompt this equals the stock pipeline, which cuts the negative prompt to the
        prompt's length and lets the texts of a batch change each other. CLAP gets the real tokens only: padding them to 512,
        as the stock pipeline does, costs nine times as much for the same result. On one thread, which takes no longer: 17 ms for the
        starter, 0.75 s for a T5 and a GPT-2 as large as those of AudioLDM 2."""
        pipe = self._pipe
        text, transcript = (source, None) if isinstance(source, str) else source
        clap_ids, cut = self._tokens(pipe.tokenizer, text)
        clap = pipe.text_encoder.get_text_features(**clap_ids).pooler_output[:, None, :]
        if self.speaks:
            t5, mask, t5_cut = speech.words(pipe, transcript, self._compute)
        else:
            t5_ids, t5_cut = self._tokens(pipe.tokenizer_2, text)
            t5, mask = pipe.text_encoder_2(**t5_ids)[0], t5_ids["attention_mask"]
        projected = pipe.projection_model(
            hidden_states=clap,
            hidden_states_1=t5,
            attention_mask=mask.new_ones((1, 1)),
            attention_mask_1=mask,
        )
        new_tokens = getattr(pipe.language_model.config, "max_new_tokens", None) or 8
        gpt2 = pipe.continued(projected.hidden_states, projected.attention_mask, new_tokens)
        return Embeddings(t5.to(pipe.text_encoder_2.dtype), mask, gpt2.to(pipe.language_model.dtype), max(cut, t5_cut))

    def _tokens(self, tokenizer: Any, text: str) -> tuple[dict[str, Any], int]:
        limit = min(tokenizer.model_max_length, MAX_TOKENS)
        total = len(tokenizer(text).input_ids)
        ids = tokenizer(text, truncation=True, max_length=limit, return_tensors="pt")
        return {key: ids[key].to(self._compute) for key in ("input_ids", "attention_mask")}, max(0, total - limit)


def stacked(texts: Sequence[Embeddings]) -> Embeddings:
    """A text for each of a batch, padded to one width. The padding is masked."""
    width = max(text.t5.shape[1] for text in texts)
    t5 = torch.cat([F.pad(text.t5, (0, 0, 0, width - text.t5.shape[1])) for text in texts])
    mask = torch.cat([F.pad(text.mask, (0, width - text.mask.shape[1])) for text in texts])
    return Embeddings(t5, mask, torch.cat([text.gpt2 for text in texts]), max(text.tokens_cut for text in texts))
