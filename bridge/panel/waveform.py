"""The shape of a sound file: the lowest and the highest sample of each column, of both channels if they differ."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import NamedTuple

LONGEST_READ = 8_192  # frames of each column; of longer ones only their beginning is looked at
BLOCK = 1 << 18  # samples
FULL_SCALE = 127


class Lane(NamedTuple):
    """A signed byte for each column, -127 to 127."""

    low: bytes
    high: bytes


@dataclass(frozen=True, slots=True)
class Waveform:
    """`low` and `high`: a signed byte for each column, -127 to 127. `right`: the second channel of true stereo, of which these are the
    first; of any other file they are all channels together. `seconds`: the length. `why`: a sentence about a file that cannot be drawn;
    it has no columns. `serial`: another one for each."""

    low: bytes = b""
    high: bytes = b""
    seconds: float = 0.0
    why: str = ""
    right: Lane | None = None
    serial: int = field(default_factory=itertools.count().__next__, compare=False)

    @property
    def lanes(self) -> list[Lane]:
        """What is drawn one below the other."""
        return [Lane(self.low, self.high), *filter(None, [self.right])]

    @property
    def together(self) -> Waveform:
        """All channels in one lane, where there is no room for two. It keeps the serial."""
        if self.right is None:
            return self
        pairs = ((min, self.low, self.right.low), (max, self.high, self.right.high))
        low, high = (bytes(map(_byte, map(pick, _signed(a), _signed(b)))) for pick, a, b in pairs)
        return replace(self, low=low, high=high, right=None)

    def part(self, first: int, last: int) -> Waveform:
        """The columns from `first` to `last`."""
        right = None if self.right is None else Lane(self.right.low[first:last], self.right.high[first:last])
        return replace(self, low=self.low[first:last], high=self.high[first:last], right=right)


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
    two = file.channels == 2
    low, high = (np.zeros((columns, 2 if two else 1), np.float32) for _ in range(2))
    if frames <= columns * LONGEST_READ:
        per_block = max(1, BLOCK // file.channels * columns // frames)
        spans = [(first, min(first + per_block, columns)) for first in range(0, columns, per_block)]
        for first, last in spans:
            samples = file.read(int(edges[last] - edges[first]), "float32", always_2d=True)
            if len(samples) < edges[last] - edges[first]:
                break  # shorter than its header says
            starts = edges[first:last] - edges[first]
            least, most = (
                (samples, samples) if two else (side(samples, axis=1, keepdims=True) for side in (np.min, np.max))
            )
            low[first:last] = np.minimum.reduceat(least, starts)
            high[first:last] = np.maximum.reduceat(most, starts)
    else:
        for column in range(columns):
            file.seek(int(edges[column]))
            samples = file.read(LONGEST_READ, "float32", always_2d=True)
            if len(samples):
                axis = 0 if two else None
                low[column], high[column] = samples.min(axis=axis), samples.max(axis=axis)
    scaled = (np.clip(np.nan_to_num(side), -1.0, 1.0) * FULL_SCALE for side in (low, high))
    lows, highs = (np.round(side).astype(np.int8).T for side in scaled)
    left, *others = (Lane(low.tobytes(), high.tobytes()) for low, high in zip(lows, highs, strict=True))
    right = next((lane for lane in others if lane != left), None)
    return Waveform(left.low, left.high, seconds, right=right)


def _signed(column: bytes) -> memoryview:
    return memoryview(column).cast("b")


def _byte(value: int) -> int:
    return value % 256


def _short(error: Exception) -> str:
    text = str(getattr(error, "error_string", "") or error).strip().rstrip(".")
    return text[:120] or type(error).__name__
