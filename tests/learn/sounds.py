"""Folders of sounds to learn from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile


def tone(number: int, seconds: float = 0.3, rate: int = 44_100, channels: int = 1) -> np.ndarray:
    """A decaying tone, another one for each number: (frames, channels)."""
    time = np.arange(round(seconds * rate)) / rate
    wave = 0.5 * np.sin(2 * np.pi * (110 + 37 * number) * time) * np.exp(-3 * time / seconds)
    return np.repeat(wave.astype(np.float32)[:, None], channels, axis=1)


def make_folder(folder: Path, count: int = 8) -> Path:
    """A folder with this many kicks and snares."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        soundfile.write(folder / f"{('Kick', 'Snare')[number % 2]}{number:02}.wav", tone(number), 44_100)
    return folder
