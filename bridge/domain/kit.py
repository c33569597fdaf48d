"""A kit: one-shots on the keys of a sampler."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from bridge.domain.ask import Ask

MAX_SOUNDS = 128  # the number of MIDI notes
MAX_NAMED = 5  # texts in a remark


@dataclass(frozen=True, slots=True)
class Sound:
    """A requested sound. `key` is the MIDI note that plays it, `text` its prompt, `note` its pitch ("c4"; "" for a drum).
    `variant` is added to the seed of the kit, so that no two prompts share a seed."""

    key: int
    text: str
    note: str = ""
    variant: int = 0


@dataclass(frozen=True, slots=True)
class KitAsk:
    """A requested kit. `ask` has the keys that all sounds share; its text is empty."""

    name: str
    sounds: tuple[Sound, ...]
    ask: Ask

    @property
    def unread_lengths(self) -> str:
        """A remark about lengths inside the texts, as in "snare 0.3"; "" if there are none."""
        asks = [dataclasses.replace(self.ask, text=sound.text) for sound in self.sounds]
        texts = list(dict.fromkeys(ask.text for ask in asks if ask.unread_length))
        named = ", ".join(text[:40] for text in texts[:MAX_NAMED]) + (" …" if texts[MAX_NAMED:] else "")
        return f"a length inside a text is not read ({named}): the key seconds sets that of all sounds" if texts else ""


@dataclass(frozen=True, slots=True)
class Zone:
    """A file of a kit, and the MIDI notes `low` to `high` that play it. At `key` it has its own pitch; a `tone` is transposed
    at the other notes. Of zones with the same `choke` (from 1; 0: none), only one sounds at a time."""

    file: str  # its name, without a folder
    title: str
    key: int
    low: int
    high: int
    seconds: float
    choke: int = 0
    tone: bool = False


@dataclass(frozen=True, slots=True)
class Kit:
    """A finished kit. `slug` is its name in file names; `info` says how it was made."""

    name: str
    slug: str
    info: str
    zones: tuple[Zone, ...]
