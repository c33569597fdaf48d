"""An open audio device, at its own rate and channels.

PortAudio can hang or end its process: call this only from the player process or from a command.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from bridge.errors import NoAudio
from bridge.player.device import Device, sounddevice_module

Render = Callable[[npt.NDArray[np.float32], float], None]


class Output:
    """An open stream. It calls `render(out, now)` for its next frames, `now` in seconds of `time.perf_counter`. `frames` counts
    the frames requested, `underflows` the blocks that came too late, `faults` holds exceptions of `render`."""

    def __init__(self, device: Device, render: Render, channels: int) -> None:
        """Open and start the stream with the device's first `channels`. Raises NoAudio."""
        self.device, self.frames, self.underflows = device, 0, 0
        self._render = render
        self.faults: list[Exception] = []
        sounddevice = sounddevice_module()
        try:
            self._stream = sounddevice.OutputStream(
                device=device.index, samplerate=device.sample_rate, channels=channels, dtype="float32",
                latency="low", callback=self._callback,
            )  # fmt: skip
            self._stream.start()
        except (sounddevice.PortAudioError, ValueError) as error:
            raise NoAudio(f"The audio device {device.name!r} cannot be opened: {error}. Is it in use?") from error

    @property
    def active(self) -> bool:
        """Whether the device still requests frames."""
        return bool(self._stream.active)

    @property
    def latency_ms(self) -> float:
        """The latency that the device reports; some report 0."""
        try:
            return round(float(self._stream.latency) * 1000, 1)
        except (ValueError, OverflowError):
            return 0.0

    def close(self) -> None:
        """Close the device. May hang if its server is dead."""
        self._stream.close(ignore_errors=True)

    def _callback(self, out: npt.NDArray[np.float32], frames: int, _time: Any, status: Any) -> None:
        if status.output_underflow and self.frames:  # some systems report an underflow for the very first block
            self.underflows += 1
        try:
            self._render(out, time.perf_counter())
        except Exception as error:  # noqa: BLE001 - play silence and report it later: an exception here ends the stream
            out.fill(0.0)
            if len(self.faults) < 10:
                self.faults.append(error)
        self.frames += frames
