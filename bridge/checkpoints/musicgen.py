"""MusicGen checkpoints, as transformers saves them: one folder without parts. Their abilities."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from bridge.checkpoints.family import Family
from bridge.checkpoints.reading import read_json
from bridge.domain.limits import GUIDANCE, Range
from bridge.domain.model import Abilities

LONGEST_S = 30.0  # the positions with which it was trained: 1,500 at 50 frames a second
USUAL = Abilities(
    sample_rate=32_000,
    seconds=Range(0.5, LONGEST_S),
    guidance=GUIDANCE,
    usual_guidance=3.0,
    notes="words",
    audio=frozenset({"continue"}),
)


def abilities(folder: Path | None) -> Abilities:
    """The abilities of a checkpoint; `sample_rate` is 0 if its files do not state it."""
    if folder is None:
        return USUAL
    settings = read_json(folder / "config.json")
    codec, decoder = (settings.get(name) for name in ("audio_encoder", "decoder"))
    rate = codec.get("sampling_rate") if isinstance(codec, dict) else None
    channels = decoder.get("audio_channels", 1) if isinstance(decoder, dict) else 1
    return dataclasses.replace(
        USUAL, sample_rate=rate if type(rate) is int else 0, channels=channels if channels in (1, 2) else 1
    )


FAMILY = Family(
    name="MusicGen",
    pipeline="MusicgenForConditionalGeneration",
    parts={},
    libraries=(),
    weights=(),
    abilities=abilities,
)
