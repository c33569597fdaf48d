"""Tempo and key as words of a prompt, and the prompt without them, for families that take both as arguments."""

from __future__ import annotations

from bridge.domain.clip import Prompt
from bridge.domain.musical_keys import key_of


def tempo_and_key(bars: float, bpm: float, key: str) -> list[str]:
    """The words for the tempo of bars, and for a key; none without."""
    tempo = [f"{round(bpm, 2):g} BPM"] if bars else []
    return [*tempo, *([f"in the key of {key_of(key).words}"] if key else [])]


def text_alone(prompt: Prompt) -> str:
    """The text for the engine without the words for tempo and key that were added to it."""
    text = prompt.full_text
    for words in reversed(tempo_and_key(prompt.bars, prompt.bpm, prompt.key)):
        text = text.removesuffix(f", {words}")
    return text
