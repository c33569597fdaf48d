"""The shape of a sound file: the lowest and the highest sample of each column."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

LONGEST_READ = 8_192  # frames of each column; of longer ones only their beginning is looked at
BLOCK = 1 << 18  # samples
FULL_SCALE = 127


@dataclass(frozen=True, slots=True)
class Waveform:
    """`low` and `high`: a signed byte for each column, -127 to 127. `seconds`: the length. `why`: a sentence about a file that
    cannot be drawn; it has no columns. `serial`: another one for each."""

    low: bytes = b""
    high: bytes = b""
    seconds: float = 0.0
    why: str = ""
    serial: int = field(default_factory=itertools.count().__next__, compare=False)


def waveform_of(path: str, columns: int) -> Waveform:
    """The waveform of a file in at most `columns` columns. Memory and time have a limit, however long the file is. Never raises."""
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            return _read(file, columns)
    except (soundfile.LibsndfileError, OSError, RuntimeError, ValueError, MemoryError) as error:
        return Waveform(why=f"This file cannot be read as sound ({_short(error)}).")


def _read(file, columns: int) -> Waveform:  # type: ignore[no-untyped-def]
    import numpy as np

    frames, seconds = file.frames, file.frames / file.samplerate
    if frames < 1:
        return Waveform(why="This file has no sound in it.")
    columns = min(columns, frames)
    edges = np.linspace(0, frames, columns + 1).astype(np.int64)
    low, high = np.zeros(columns, np.float32), np.zeros(columns, np.float32)
    if frames <= columns * LONGEST_READ:
        per_block = max(1, BLOCK // file.channels * columns // frames)
        spans = [(first, min(first + per_block, columns)) for first in range(0, columns, per_block)]
        for first, last in spans:
            samples = file.read(int(edges[last] - edges[first]), "float32", always_2d=True)
            if len(samples) < edges[last] - edges[first]:
                break  # shorter than its header says
            starts = edges[first:last] - edges[first]
            low[first:last] = np.minimum.reduceat(samples.min(axis=1), starts)
            high[first:last] = np.maximum.reduceat(samples.max(axis=1), starts)
    else:
        for column in range(columns):
            file.seek(int(edges[column]))
            samples = file.read(LONGEST_READ, "float32", always_2d=True)
            if len(samples):
                low[column], high[column] = samples.min(), samples.max()
    scaled = (np.clip(np.nan_to_num(side), -1.0, 1.0) * FULL_SCALE for side in (low, high))
    low_bytes, high_bytes = (np.round(side).astype(np.int8).tobytes() for side in scaled)
    return Waveform(low_bytes, high_bytes, seconds)


def _short(error: Exception) -> str:
    text = str(getattr(error, "error_string", "") or error).strip().rstrip(".")
    return text[:120] or type(error).__name__
