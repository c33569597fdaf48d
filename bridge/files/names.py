"""File names that read well in a DAW browser and are valid on Windows, macOS and Linux."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Iterator

from bridge.domain.clip import Prompt

SLUG_CHARACTERS = 60


def slug(text: str) -> str:
    """`text` as ASCII letters, digits and single hyphens, at most SLUG_CHARACTERS, cut between words if possible.

    Accents are dropped (é → e). Other scripts are dropped entirely, so the result may be "": the tags hold the full prompt.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    plain = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    if len(plain) > SLUG_CHARACTERS:
        plain = plain[: SLUG_CHARACTERS + 1].rpartition("-")[0] or plain[:SLUG_CHARACTERS]
    return plain[:SLUG_CHARACTERS].strip("-")


def clip_names(prompt: Prompt, seed: int) -> Iterator[str]:
    """Yield new names for a clip without end, at most 120 bytes each: `rain-on-tin_s42_7f3a.wav`, `bell_as4_s42_9b0c.wav` (A♯ 4) or
    `drone_120bpm_4bars_s42_7f3a.wav` (many hosts read the tempo from the name).

    Never a Windows device name, a dot file or a name with a trailing dot: it always ends in `_s<seed>_<tag>` and a suffix.
    """
    stem = slug(prompt.text) or slug(prompt.preset) or "clip"
    if pitch := prompt.note or prompt.key:
        stem += f"_{pitch.replace('#', 's')}"
    if prompt.bars:
        stem += f"_{round(prompt.bpm, 2):g}bpm_{round(prompt.bars, 4):g}bar{'' if prompt.bars == 1 else 's'}"
    while True:
        yield f"{stem}_s{seed}_{secrets.token_hex(2)}.{prompt.shape.format}"
