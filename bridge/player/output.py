"""An open audio device, at its own rate and channels. The only importer of rtmixer.

The device's thread runs no Python: C takes frames from a ring, which a thread of ours fills ahead. rtmixer has that C; where there is
no wheel of it (Windows on ARM), a callback in Python takes them, which other threads of Python may hold up.

PortAudio can hang or end its process: call this only from the player process or from a command.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import numpy.typing as npt

from bridge.errors import NoAudio
from bridge.player.ahead import Ahead
from bridge.player.device import Device, sounddevice_module
from bridge.player.mixer import Mixer
from bridge.player.ring import FRAMES, Ring

END_S = 0.2  # a piece takes about a millisecond


class Output:
    """An open stream, for which `mixer` mixes the next frames. `faults` holds exceptions of the mixer."""

    def __init__(self, device: Device, mixer: Mixer) -> None:
        """Open the stream with the device's first channels, as many as the mixer has, and start it. Raises NoAudio."""
        self.device = device
        sounddevice, ring = sounddevice_module(), Ring(mixer.channels)
        how = {"device": device.index, "samplerate": device.sample_rate, "channels": mixer.channels, "latency": "low"}
        try:
            try:
                self._reader: InC | InPython = InC(ring, how)
            except ImportError:
                self._reader = InPython(ring, how, sounddevice)
            self._ahead = Ahead(mixer, ring, self._reader)
            self._reader.stream.start()
        except (sounddevice.PortAudioError, ValueError) as error:
            raise NoAudio(f"The audio device {device.name!r} cannot be opened: {error}. Is it in use?") from error
        self.faults = self._ahead.faults
        self._thread = threading.Thread(target=self._ahead.run, name="mixing", daemon=True)
        self._thread.start()

    @property
    def active(self) -> bool:
        """Whether the device still requests frames."""
        return bool(self._reader.stream.active and self._reader.goes_on)

    @property
    def frames(self) -> int:
        """Frames that the device has taken."""
        return self._reader.taken

    @property
    def underflows(self) -> int:
        """Blocks that came too late: those that the device reports, and those that were not mixed in time."""
        return self._reader.underflows + self._ahead.late

    @property
    def latency_ms(self) -> float:
        """From the arrival of a request to its sound, at most: mixing ahead, and the latency that the device reports; some report 0."""
        ahead_ms = 1000 * self._ahead.ahead_frames / self.device.sample_rate
        try:
            return round(float(self._reader.stream.latency) * 1000 + ahead_ms, 1)
        except (ValueError, OverflowError):
            return round(ahead_ms, 1)

    def close(self) -> None:
        """Close the device. May hang if its server is dead."""
        self._ahead.end()
        self._thread.join(END_S)
        self._reader.stream.close(ignore_errors=True)


class InC:
    """rtmixer's callback, which takes what a queue holds. The queue is kept full: of silence, where nothing is put in time. So the
    device's frames and the mixer's never shift against each other. Raises ImportError where there is no rtmixer."""

    def __init__(self, ring: Ring, how: dict[str, Any]) -> None:
        import rtmixer

        self.stream = rtmixer.Mixer(**how)
        self._ring, self._freed = ring, 0
        self._queue = rtmixer.RingBuffer(ring.memory.itemsize * how["channels"], buffer=ring.memory)
        self._queue.advance_write_index(FRAMES)
        self._action = self.stream.play_ringbuffer(self._queue)
        self._at_first = 0  # some systems report an underflow for the very first block

    @property
    def taken(self) -> int:
        return int(self._action.done_frames)

    @property
    def underflows(self) -> int:
        return int(self._action.stats.output_underflows) - self._at_first

    @property
    def goes_on(self) -> bool:
        """Whether frames are taken: not after the queue was empty."""
        return self._action in self.stream.actions

    def free(self) -> None:
        if count := self._queue.write_available:
            if not self._freed:
                self._at_first = self._action.stats.output_underflows
            self._ring.silence(self._freed, self._freed + count)
            self._freed += count
            self._queue.advance_write_index(count)


class InPython:
    """A callback in Python."""

    goes_on = True

    def __init__(self, ring: Ring, how: dict[str, Any], sounddevice: Any) -> None:
        self.stream = sounddevice.OutputStream(dtype="float32", callback=self._take, **how)
        self._ring, self._freed = ring, 0
        self.taken, self.underflows = 0, 0

    def free(self) -> None:
        self._ring.silence(self._freed, until := self.taken)
        self._freed = until

    def _take(self, out: npt.NDArray[np.float32], frames: int, _time: Any, status: Any) -> None:
        self.underflows += bool(status.output_underflow and self.taken)
        self._ring.get(self.taken, out)
        self.taken += frames
