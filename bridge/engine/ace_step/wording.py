"""What ACE-Step reads: a caption that leaves room for the facts behind it, lyrics in lines, and tempo, key and time as facts."""

from __future__ import annotations

import re
from typing import Any

from bridge.domain.clip import Prompt
from bridge.domain.musical_keys import key_of
from bridge.domain.musical_words import text_alone

INSTRUMENTAL = "[Instrumental]"  # of ACE-Step's own documentation: the lyrics of music without voice
TIMES = ("2", "3", "4", "6")  # beats of a bar that it was trained with
PART = re.compile(r"(\[[^\]]*\])\s*")


def lyrics_of(prompt: Prompt) -> str:
    """The lyrics, a line each; the name of a part such as [verse] has a line of its own."""
    lines = PART.sub(r"\1\n", prompt.lyrics.replace(" / ", "\n")).strip()
    return lines or INSTRUMENTAL


def facts_of(prompt: Prompt) -> dict[str, Any]:
    """Tempo, key and time signature as arguments of the pipeline. A key without a mode is major."""
    facts: dict[str, Any] = {}
    if prompt.bpm:
        facts["bpm"] = round(prompt.bpm)
    if prompt.bars and (beats := str(prompt.beats_per_bar)) in TIMES:
        facts["timesignature"] = beats
    if prompt.key:
        key = key_of(prompt.key)
        facts["keyscale"] = key.words if key.mode else f"{key.words} major"
    return facts


def caption(pipeline: Any, prompt: Prompt, most_tokens: int) -> tuple[str, int]:
    """The text without tempo and key, and how many of its tokens were cut so that the facts behind it are read too."""
    text = text_alone(prompt)

    def count(caption: str) -> int:
        whole, _lyrics = pipeline._format_prompt(caption, audio_duration=prompt.seconds, **facts_of(prompt))
        return len(pipeline.tokenizer(whole).input_ids)

    tokens = pipeline.tokenizer(text).input_ids
    kept = len(tokens)
    while kept and (over := count(text) - most_tokens) > 0:
        kept -= over
        text = pipeline.tokenizer.decode(tokens[: max(0, kept)], skip_special_tokens=True)
    return text, len(tokens) - max(0, kept)
