"""File names that read well in a DAW browser and are valid on Windows, macOS and Linux."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Iterator

from anyascii import anyascii

from bridge.domain.clip import Prompt

SLUG_CHARACTERS = 60
TEMPO = re.compile(r"(?<!\d)(\d{1,4}(?:[.,]\d{1,9})?)[\s_-]*bpm\b", re.IGNORECASE)


def plain(text: str) -> str:
    """`text` in ASCII: other scripts as they sound, emoji by their names (é → e, дождь → dozhd, 雨の音 → Yuno-Yin, 🔔 → bell)."""
    return "".join(map(_ascii, unicodedata.normalize("NFC", text)))


def slug(text: str) -> str:
    """`text` as ASCII letters, digits and single hyphens, at most SLUG_CHARACTERS, cut between words if possible; "" if it has
    only punctuation. A tempo in it is rounded, see `clip_names`."""
    text = TEMPO.sub(lambda match: f"{_whole(float(match[1].replace(',', '.')))}bpm", text)
    words = re.sub(r"[^a-z0-9]+", "-", plain(text).lower()).strip("-")
    if len(words) > SLUG_CHARACTERS:
        words = words[: SLUG_CHARACTERS + 1].rpartition("-")[0] or words[:SLUG_CHARACTERS]
    return words[:SLUG_CHARACTERS].strip("-")


def clip_names(prompt: Prompt, seed: int) -> Iterator[str]:
    """Yield new names for a clip without end, at most 120 bytes each: `rain-on-tin_s42_7f3a.wav`, `bell_as4_s42_9b0c.wav` (A♯ 4) or
    `drone_127bpm_4bars_s42_7f3a.wav`. Many hosts read the tempo from the name: its digits before `bpm`, so 126.85 would be read
    as 85. The name has the nearest whole number, and no other tempo; the tags have the exact one.

    Never a Windows device name, a dot file or a name with a trailing dot: it always ends in `_s<seed>_<tag>` and a suffix.
    """
    claimed = prompt.claimed
    text = TEMPO.sub(" ", prompt.text) if prompt.bars else prompt.text
    stem = slug(text) or slug(prompt.preset) or "clip"
    if pitch := claimed.note or claimed.key:
        stem += f"_{pitch.replace('#', 's')}"
    if prompt.crop is not None:
        stem += "_crop"
    if claimed.bars:
        stem += f"_{_whole(claimed.bpm)}bpm_{round(claimed.bars, 4):g}bar{'' if claimed.bars == 1 else 's'}"
    while True:
        yield f"{stem}_s{seed}_{secrets.token_hex(2)}.{prompt.shape.format}"


def crop_names(stem: str) -> Iterator[str]:
    """Yield new names for a part of a file of another program, named `stem`: `field-recording_crop_7f3a.wav`."""
    while True:
        yield f"{slug(stem) or 'sound'}_crop_{secrets.token_hex(2)}.wav"


def _whole(tempo: float) -> int:
    return int(tempo + 0.5)


def _ascii(character: str) -> str:
    if character.isascii():
        return character
    known = anyascii(character)
    if known.startswith(":"):
        return f" {known.strip(':').replace('_', ' ')} "
    # Of Chinese characters and Korean syllables each begins with a capital letter, and no space is between them.
    apart = "-" if known[:1].isupper() and not character.isupper() else ""
    return apart + known.replace("'", "").replace("`", "").replace('"', "")
