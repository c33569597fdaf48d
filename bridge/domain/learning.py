"""LearnAsk: a folder of sounds that should be learned; and what both the panel and the daemon know of such folders."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from bridge.domain.limits import is_sub_folder

BASE = (
    Path(__file__).parent.parent / "starter" / "tokens" / "checkpoint"
)  # what folders are learned from, where it ships
HOWS = ("tokens", "lora")  # a model of tokens of its own, or a change of the starter with a word for it
DEFAULT_MINUTES = 5.0
LEAST_SOUNDS = 5
MOST_SOUNDS = 2_000
SOUND_SUFFIXES = frozenset((
    ".wav", ".wave", ".flac", ".aif", ".aiff", ".aifc", ".mp3", ".ogg", ".oga", ".opus", ".caf", ".w64", ".rf64", ".au",
))  # fmt: skip
NAME_CHARACTERS = 36  # of a name that is made from a folder's: a number may follow


@dataclass(frozen=True, slots=True)
class LearnAsk:
    """`folder`: absolute, in its one spelling. `name`: of the model. `minutes`: for which it learns at most. `how`: one of HOWS."""

    folder: str
    name: str
    minutes: float = DEFAULT_MINUTES
    how: str = HOWS[0]


def is_model_name(text: str) -> bool:
    """Whether a model can have this name, which is that of its folder too."""
    return is_sub_folder(text) and "/" not in text


def name_for(folder: str) -> str:
    """A name for a model that learns a folder of this name."""
    name = " ".join(re.sub(r"[^A-Za-z0-9 _-]+", " ", folder).split()).strip(" _-")[:NAME_CHARACTERS].strip()
    return name if is_model_name(name) else "my sounds"
