"""Sounds that no network made, as files that a clip starts from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from bridge.domain.clip import Prompt
from bridge.domain.source import How, Source
from bridge.engine.audioldm2.engine import AudioLDM2
from bridge.files.same_file import hash_of


def kick(rate: int = 44_100, seconds: float = 0.7) -> np.ndarray:
    """A kick."""
    t = np.arange(round(seconds * rate)) / rate
    return (np.sin(2 * np.pi * (48 * t + 9 * (1 - np.exp(-18 * t)))) * np.exp(-t / 0.18) * 0.9).astype(np.float32)


def source(folder: Path, samples: np.ndarray, rate: int = 44_100, how: How = "vary", **more: object) -> Source:
    """A file with these samples, (frames,) or (frames, channels)."""
    path = folder / f"source {len(list(folder.iterdir()))}.wav"
    soundfile.write(path, samples, rate, subtype="FLOAT")
    seconds = len(samples) / rate
    given = {"seconds": seconds, "from_s": 0.0, "to_s": seconds, **more}
    return Source(str(path), hash_of(path), how, **given)  # type: ignore[arg-type]


def prompt(source: Source, text: str = "kick", **more: object) -> Prompt:
    given = {"seconds": source.seconds, "seed": 5, "steps": 6, "source": source, **more}
    return Prompt(text, text, **given)  # type: ignore[arg-type]


def waves(engine: AudioLDM2, ask: Prompt) -> list[np.ndarray]:
    """All samples of each take."""
    pieces = list(engine.generate(ask, lambda step, steps: None))
    takes = [[piece for piece in pieces if piece.take == take] for take in range(1, ask.takes + 1)]
    assert all([piece.last for piece in own] == [False] * (len(own) - 1) + [True] for own in takes)
    return [np.concatenate([np.frombuffer(piece.samples, "<f4") for piece in own]) for own in takes]


def mel_db(engine: AudioLDM2, one: np.ndarray, other: np.ndarray) -> float:
    """The mean distance of the spectrograms of two waves at the engine's rate, in decibels."""
    encoder, size = engine.encoder, min(len(one), len(other))
    scale = 4 if engine.abilities.notes == "tuned" else 1  # the starter's are a quarter of the logarithm
    spectra = [scale * encoder.mel(np.ascontiguousarray(wave[None, :size])) for wave in (one, other)]
    return float((spectra[0] - spectra[1]).abs().mean() * 8.686)
