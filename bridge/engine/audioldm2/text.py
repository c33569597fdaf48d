"""The text side of the engine: what is heard of a prompt, and its embeddings, each text encoded alone and cached."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import torch

from bridge.domain.clip import Prompt
from bridge.domain.words import plain
from bridge.engine.audioldm2 import speech
from bridge.engine.audioldm2.embeddings import Embeddings
from bridge.engine.audioldm2.hearing import Heard, Vocabulary
from bridge.engine.audioldm2.speech import Spoken

MAX_TOKENS = 512
CACHED_TEXTS = 256  # an entry is at most 512 tokens × 1024 values in fp16: 1 MiB
UNHEARD = "this small checkpoint knows no sound by these words, and guessed; the README lists the sounds that it knows"


class TextSide:
    """Listens and encodes for one pipeline on its compute. `vocabulary`: of a checkpoint that has a word list."""

    def __init__(self, pipe: Any, compute: str, vocabulary: Vocabulary | None) -> None:
        self._pipe, self._compute = pipe, compute
        self.vocabulary = vocabulary
        self.speaks = speech.speaks(pipe)
        self.encoded = functools.lru_cache(maxsize=CACHED_TEXTS)(self._encode)
        # Each job asks for it four times; a prompt of 1,900 characters takes 29 ms to listen to.
        self.hears = functools.lru_cache(maxsize=16)(self._hear)

    def _hear(self, prompt: Prompt) -> Heard:
        """What the encoders get of a prompt. A preset's words are listened to where the musician named no sound."""
        if self.vocabulary is None:
            return Heard(prompt.full_text, prompt.full_text)
        text = f"{prompt.text}, {prompt.note}" if prompt.note else prompt.text
        heard = self.vocabulary.hear(text)
        if not heard.noun and prompt.full_text != text:
            heard = self.vocabulary.hear(prompt.full_text)
        if not heard.noun:
            # Nothing to go by but how the words are spelt: let the encoders guess.
            return replace(heard, text=plain(text), remark=UNHEARD)
        return heard

    def wanted(self, prompt: Prompt) -> Embeddings:
        """The embeddings of what is asked for."""
        text = self.hears(prompt).text
        return self.encoded(Spoken(text, prompt.transcript) if self.speaks else text)

    def unwanted(self, prompt: Prompt) -> Embeddings | None:
        """The embeddings of the negative prompt; None without guidance."""
        if prompt.evaluations == 1:
            return None
        text = prompt.negative or ""
        if self.vocabulary is not None:
            text = self.vocabulary.hear(text, mend=False).text
        return self.encoded(Spoken(text, None) if self.speaks else text)

    def remarks(self, prompt: Prompt) -> dict[str, str]:
        """Which words were heard, tokens that were too many, a note that could not be set. See Engine.remarks."""
        heard = self.hears(prompt)
        texts = {"prompt": self.wanted(prompt), "negative prompt": self.unwanted(prompt)}
        sentences = [
            f"the last {text.tokens_cut} tokens of the {name} were too much for the model and were left out"
            for name, text in texts.items()
            if text is not None and text.tokens_cut
        ]
        sentences += [heard.remark] if heard.remark else []
        if self.vocabulary is None and prompt.note:
            sentences.append("this checkpoint is told the note in words only and may not follow it")
        told = {"remark": "; ".join(sentences)} if sentences else {}
        return told if self.vocabulary is None else {"heard": heard.words, **told}

    def clap(self, text: str) -> torch.Tensor:
        """CLAP's embedding (1, width) of a text."""
        embedding: torch.Tensor = self._pipe.text_encoder.get_text_features(
            **self._tokens(self._pipe.tokenizer, text)[0]
        ).pooler_output
        return embedding

    @torch.no_grad()
    def _encode(self, told: str | Spoken) -> Embeddings:
        """One text, alone. The stock pipeline cuts the negative prompt to the prompt's length and lets batch mates
        change each other (FACTS A2.7); for a single prompt this is the same. CLAP runs on the real tokens only:
        padded to 512 as in stock it costs nine times as much for the same result (FACTS A7)."""
        pipe = self._pipe
        text, transcript = (told, None) if isinstance(told, str) else told
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
        gpt2 = pipe.generate_language_model(
            projected.hidden_states, attention_mask=projected.attention_mask, max_new_tokens=new_tokens
        )
        return Embeddings(
            t5.to(pipe.text_encoder_2.dtype),
            mask,
            gpt2.to(pipe.language_model.dtype),
            max(cut, t5_cut),
        )

    def _tokens(self, tokenizer: Any, text: str) -> tuple[dict[str, Any], int]:
        limit = min(tokenizer.model_max_length, MAX_TOKENS)
        everything = len(tokenizer(text).input_ids)
        ids = tokenizer(text, truncation=True, max_length=limit, return_tensors="pt")
        return {key: ids[key].to(self._compute) for key in ("input_ids", "attention_mask")}, max(0, everything - limit)
