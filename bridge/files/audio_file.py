"""Read a part of any audio file: WAV, AIFF, FLAC, MP3, OGG and what else libsndfile knows. Every fault is a sentence."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from bridge.domain.limits import Range
from bridge.errors import BadArgument, BadAudio

MAX_CHANNELS = 64
SAMPLE_RATES = Range(1_000, 768_000)


class AudioFile:
    """An open audio file, of which the frames from `from_s` to `to_s` (None: to its end) are read, at most `longest_s` seconds.

    `frames`: their number, as the file states it; `first`: the first of them; `ends_early`: whether the file goes on after them."""

    def __init__(self, path: Path, from_s: float = 0.0, to_s: float | None = None, longest_s: float = 600.0) -> None:
        """Open it. Raises BadAudio; BadArgument if the file has no such part."""
        self._name = path.name
        self._file = self._opened(path)
        self.sample_rate, self.channels, self.total = self._file.samplerate, self._file.channels, self._file.frames
        self.subtype = self._file.subtype
        if self.channels > MAX_CHANNELS:
            raise self._fault(f"it has {self.channels} channels, and at most {MAX_CHANNELS} are read")
        if self.sample_rate not in SAMPLE_RATES:
            raise self._fault(f"its sample rate of {self.sample_rate} Hz is not within {SAMPLE_RATES} Hz")
        if self.total <= 0:
            raise self._fault("it has no samples")
        self.first = round(from_s * self.sample_rate)
        end = self.total if to_s is None else min(self.total, round(to_s * self.sample_rate))
        if self.first >= self.total:
            raise BadArgument(f"{self._name} is only {self.total / self.sample_rate:.3f} seconds long.")
        if end <= self.first:
            raise BadArgument("to must be greater than from.")
        self.frames = min(end - self.first, round(longest_s * self.sample_rate))
        self.ends_early = self.first + self.frames < self.total
        self._left = self.frames
        if self.first:
            try:
                self._file.seek(self.first)
            except (soundfile.LibsndfileError, OSError) as error:
                raise self._fault(f"it cannot be played from there ({error})") from error

    def read(self, frames: int, dtype: str = "float32") -> npt.NDArray[Any]:
        """The next `frames` frames, or those that are left, as (frames, channels): of "float32", or of "int32" at full scale. None are
        left at the end. Raises BadAudio."""
        try:
            samples = self._file.read(min(frames, self._left), dtype=dtype, always_2d=True)
        except (soundfile.LibsndfileError, OSError) as error:
            raise self._fault(f"it is damaged ({error})") from error
        self._left = self._left - len(samples) if len(samples) else 0  # a damaged file has fewer frames than it states
        return np.asarray(samples)

    @property
    def left(self) -> int:
        """The number of frames that are not read yet."""
        return self._left

    def _opened(self, path: Path) -> soundfile.SoundFile:
        try:
            mode = path.stat().st_mode
            if stat.S_ISDIR(mode):
                raise self._fault("it is a folder")
            if not stat.S_ISREG(mode):  # reading a pipe could block for ever
                raise self._fault("it is not a regular file")
            path.open("rb").close()  # for a sentence of the system, where libsndfile has only its own
            return soundfile.SoundFile(path)
        except soundfile.LibsndfileError as error:
            raise self._fault(f"it is not audio, or damaged ({error.error_string.rstrip('.')})") from error
        except OSError as error:
            raise self._fault(error.strerror or str(error)) from error
        except (TypeError, ValueError) as error:  # samples without a header
            raise self._fault("it does not state its format") from error

    def _fault(self, why: str) -> BadAudio:
        return BadAudio(f"{self._name} cannot be read: {why}.")
