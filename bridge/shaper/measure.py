"""Measure an audio file: its length, its tempo, and the recipe in it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import soxr

from bridge.audio.beats import measure as measure_beats
from bridge.audio.beats import mono
from bridge.audio.conform import MIN_TEMPO_CONFIDENCE
from bridge.domain.clip import OUTPUT_RATE
from bridge.domain.recipe import read
from bridge.errors import BadRecipe
from bridge.files.audio_file import AudioFile
from bridge.files.tags import recipe_in

LISTENED_S = 30.0  # from the beginning: takes 0.2 s, by which a clip that is written meanwhile is late
MOST_SAMPLES = 40_000_000  # of all channels: a recording with many of them is listened to for a shorter time

MAX_SENT_RECIPE = 16_000  # characters: a datagram has room for 65,507 bytes


def measure(path: Path, bpm: float) -> dict[str, Any]:
    """The facts of /bridge/measured after the path. Of tempi that fit equally well, the one nearest to `bpm` is taken. Raises
    BadAudio."""
    file = AudioFile(path, longest_s=LISTENED_S)
    samples = mono(file.read(min(file.frames, MOST_SAMPLES // file.channels)))
    if file.sample_rate != OUTPUT_RATE:
        samples = soxr.resample(samples, file.sample_rate, OUTPUT_RATE, "HQ")
    beats = measure_beats(samples[:, None], bpm)
    facts: dict[str, Any] = {
        "seconds": file.total / file.sample_rate,
        "sample_rate": file.sample_rate,
        "channels": file.channels,
        "frames": file.total,
        "bpm": round(beats.bpm, 2) if beats.confidence >= MIN_TEMPO_CONFIDENCE else 0.0,
        "confidence": round(beats.confidence, 4),
    }
    with contextlib.suppress(BadRecipe, OSError):
        recipe = recipe_in(path)
        facts["prompt"] = read(recipe).prompt.text
        if len(recipe) <= MAX_SENT_RECIPE:
            facts["recipe"] = recipe
    return facts
