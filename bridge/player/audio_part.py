"""A part of an audio file for the mixer, read piece by piece: at the device's rate, with at most two channels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soxr

from bridge.audio.shape import resample_loop
from bridge.files.audio_file import AudioFile
from bridge.player.messages import Play
from bridge.player.voice import MIN_FADE_MS, Samples

LONGEST_S = 600.0  # of a file is played, from `from` on
LONGEST_CIRCLE = (
    4_000_000  # samples; a longer loop is resampled as if it were no circle: its seam is not heard so often
)
RESAMPLE_FRAMES = 8_192  # at a time
HALF_POWER = 0.7071
# The side of each channel of a recording in surround, in the order of WAVE_FORMAT_EXTENSIBLE: left, right, both (C), none (-).
SURROUND = {3: "LRC", 4: "LRLR", 5: "LRCLR", 6: "LRC-LR", 7: "LRC-CLR", 8: "LRC-LRLR"}
SIDES = {"L": (1.0, 0.0), "R": (0.0, 1.0), "C": (HALF_POWER, HALF_POWER), "-": (0.0, 0.0)}


class AudioPart:
    """The part of an audio file that `play` asks for, for a device with `device_rate`. `frames`: its length at that rate. `is_over`:
    whether everything has been read."""

    def __init__(self, play: Play, device_rate: int) -> None:
        """Open the file. Raises BadAudio, BadArgument."""
        file = self._file = AudioFile(Path(play.file), play.from_s, play.to_s, LONGEST_S)
        self.device_rate = device_rate
        self.frames = max(1, round(file.frames * device_rate / file.sample_rate))
        self.is_over = False
        is_resampled = file.sample_rate != device_rate
        self._is_circle = play.loop and is_resampled and file.frames * file.channels <= LONGEST_CIRCLE
        self._mix = _mixing(file.channels)
        channels = file.channels if self._mix is None else 2
        self._stream = (
            soxr.ResampleStream(file.sample_rate, device_rate, channels, "float32", "HQ") if is_resampled else None
        )
        # An edge in the middle of a sound would be a click. A loop has its own fade, and must not dip at its seam.
        ramp = round(MIN_FADE_MS / 1000 * device_rate)
        self._fade_in = ramp if play.from_s > 0 and not play.loop else 0
        self._fade_out = ramp if file.ends_early and not play.loop else 0
        self._position = 0

    def read(self, seconds: float) -> Samples:
        """The next samples, about that many seconds of them: (frames, channels). Raises BadAudio."""
        file = self._file
        samples = self._mixed(file.read(file.left if self._is_circle else max(1, round(seconds * file.sample_rate))))
        self.is_over = not file.left
        if self._is_circle:
            return resample_loop(samples, max(1, round(len(samples) * self.device_rate / file.sample_rate)))
        if self._stream is not None:
            samples = self._resampled(np.ascontiguousarray(samples))
        at = self._position + np.arange(len(samples), dtype=np.float32)[:, None]
        if self._fade_in and self._position < self._fade_in:
            samples = samples * np.minimum(1.0, at / self._fade_in)
        if self._fade_out and self._position + len(samples) > self.frames - self._fade_out:
            samples = samples * np.clip((self.frames - 1 - at) / self._fade_out, 0.0, 1.0)
        self._position += len(samples)
        return samples

    def _resampled(self, samples: Samples) -> Samples:
        """In small steps: soxr's stream holds Python's lock, and two seconds at once took 8 ms, for which nothing was mixed."""
        assert self._stream is not None
        starts = range(0, max(1, len(samples)), RESAMPLE_FRAMES)
        return np.concatenate(
            [
                self._stream.resample_chunk(samples[at : at + RESAMPLE_FRAMES], last=self.is_over and at == starts[-1])
                for at in starts
            ]
        )

    def _mixed(self, samples: Samples) -> Samples:
        return samples if self._mix is None else (samples @ self._mix).astype(np.float32)


def _mixing(channels: int) -> Samples | None:
    """The matrix that mixes `channels` channels to two, none louder than the loudest channel; None if they stay as they are. Channels
    beyond those of surround go to the left and to the right by turns."""
    if channels <= 2:
        return None
    sides = SURROUND.get(channels, "LR" * channels)[:channels]
    matrix = np.array([SIDES[side] for side in sides], np.float32)
    return matrix / matrix.sum(axis=0)
