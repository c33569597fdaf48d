"""The words that a model of tokens knows, and what it hears of a prompt."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from bridge.engine.audioldm2.hearing import MAX_PHRASE_WORDS, Vocabulary
from bridge.errors import NoModel
from bridge.system.writing import write_whole

FILE = "words.json"
MAX_WORDS = 4_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What a model heard: `shares` (words,) for the network, and the phrases of the prompt that it knows."""

    shares: torch.Tensor
    heard: tuple[str, ...]


class Words:
    """`tokens`: the words of the network, in the order of its table. `means`: what people write, and the tokens that it stands for;
    `nouns`: those of them that name a sound, of which a prompt has one. `rhythms`: the tokens of sounds with a beat, and their usual
    tempi; `rings`: of sounds that were also learned with an end that runs into the beginning."""

    def __init__(
        self,
        tokens: Sequence[str],
        means: Mapping[str, Sequence[str]],
        nouns: Sequence[str],
        rhythms: Mapping[str, Sequence[float]],
        rings: Sequence[str] = (),
    ) -> None:
        self.tokens, self.means, self.nouns = tuple(tokens), {k: tuple(v) for k, v in means.items()}, tuple(nouns)
        self.rhythms = {token: (float(low), float(high)) for token, (low, high) in rhythms.items()}
        self.rings = tuple(rings)
        self._places = {token: place for place, token in enumerate(self.tokens)}
        unknown = {token for said in self.means.values() for token in said} - set(self.tokens)
        if unknown or len(self._places) != len(self.tokens) or not 0 < len(self.tokens) <= MAX_WORDS:
            raise ValueError("its words do not belong together")
        names = {noun: noun for noun in self.nouns}
        others = [phrase for phrase in self.means if phrase not in names]
        self._vocabulary = Vocabulary(names, others, {})

    @classmethod
    def read(cls, folder: Path) -> Words:
        """The words of the model in a folder. Raises NoModel if they are damaged."""
        file = folder / FILE
        try:
            content = json.loads(file.read_text("utf-8"))
            return cls(content["tokens"], content["means"], content["nouns"], content["rhythms"], content["rings"])
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise NoModel(f"{file} is damaged ({type(error).__name__}: {error}).") from error

    def save(self, folder: Path) -> None:
        """Write them into a folder."""
        content = {name: getattr(self, name) for name in ("tokens", "means", "nouns", "rhythms", "rings")}
        write_whole(folder / FILE, (json.dumps(content, indent=1) + "\n").encode())

    def with_more(self, words: Sequence[str]) -> Words:
        """These words, and behind them tokens for the `words` that are not known yet."""
        new = [word for word in dict.fromkeys(words) if word not in self.means and word not in self._places]
        means = {**self.means, **{word: (word,) for word in new}}
        return Words((*self.tokens, *new), means, self.nouns, self.rhythms, self.rings)

    def shares(self, tokens: Sequence[str]) -> torch.Tensor:
        """The row (words,) for the network that asks for these tokens."""
        row = torch.zeros(len(self.tokens))
        for token in tokens:
            row[self._places[token]] = 1.0
        return row

    def hear(self, prompt: str) -> Asked:
        """What a prompt asks for: its words that are known, typing errors corrected."""
        heard = self._split(self._vocabulary.hear(prompt).text)
        tokens = dict.fromkeys(token for phrase in heard for token in self.means[phrase])
        return Asked(self.shares(tuple(tokens)), heard)

    def bpm(self, asked: Asked) -> tuple[float, float] | None:
        """The usual tempi of the requested rhythm; None for other sounds."""
        return next((self.rhythms[token] for token in self._tokens(asked) if token in self.rhythms), None)

    def is_ring(self, asked: Asked) -> bool:
        """Whether the sound that is asked for was learned as a ring."""
        return any(token in self.rings for token in self._tokens(asked))

    def _tokens(self, asked: Asked) -> list[str]:
        return [token for phrase in asked.heard for token in self.means[phrase]]

    def _split(self, text: str) -> tuple[str, ...]:
        """The known phrases, the longest first, of a text that consists of them."""
        words, at, phrases = text.split(), 0, []
        while at < len(words):
            sizes = range(min(MAX_PHRASE_WORDS, len(words) - at), 0, -1)
            size = next((size for size in sizes if " ".join(words[at : at + size]) in self.means), 1)
            phrase = " ".join(words[at : at + size])
            phrases += [phrase] if phrase in self.means else []
            at += size
        return tuple(phrases)
