"""The audio device: found by name, opened at its own rate and channels. The only importer of sounddevice.

PortAudio can hang, and in some cases ends its process: only a process of its own may call this, or a command.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bridge.errors import NoAudio

NO_PORTAUDIO = (
    "PortAudio is not there. On Debian and Ubuntu: sudo apt install libportaudio2; elsewhere: pip install --force-reinstall "
    "sounddevice"
)
MAX_CHANNELS = 2

Render = Callable[[npt.NDArray[np.float32], float], None]


@dataclass(frozen=True, slots=True)
class Device:
    """An output as PortAudio lists it; `index` is its number there, until the list is read anew."""

    index: int
    name: str
    system: str
    channels: int
    sample_rate: int
    is_default: bool


def outputs(anew: bool = False) -> list[Device]:
    """All devices that can sound. PortAudio's list stays as it was at its start unless `anew`. Raises NoAudio."""
    sounddevice = _sounddevice()
    try:
        if anew:  # no function of its own for it
            leave()
            sounddevice._initialize()
        default = sounddevice.default.device[1]
        systems = [api["name"] for api in sounddevice.query_hostapis()]
        return [
            Device(
                number, str(found["name"]), str(systems[found["hostapi"]]),
                min(MAX_CHANNELS, int(found["max_output_channels"])), round(found["default_samplerate"]), number == default,
            )
            for number, found in enumerate(sounddevice.query_devices())
            if found["max_output_channels"] > 0
        ]  # fmt: skip
    except sounddevice.PortAudioError as error:
        raise NoAudio(f"The audio devices cannot be listed ({error}).") from error


def choose(name: str, there: list[Device]) -> Device:
    """The device of that name, or one with it in its name; "" and "default" are the system's own choice.
    Raises NoAudio."""
    if not there:
        raise NoAudio("This machine has no audio output that PortAudio knows.")
    if name in ("", "default"):
        return next((device for device in there if device.is_default), there[0])
    wanted = name.casefold()
    for fits in (lambda device: device.name.casefold() == wanted, lambda device: wanted in device.name.casefold()):
        found = [device for device in there if fits(device)]
        if found:
            return next((device for device in found if device.is_default), found[0])
    names = ", ".join(dict.fromkeys(device.name for device in there))
    raise NoAudio(f"There is no audio device {name[:60]!r}; there are: {names[:400]}.")


def leave() -> None:
    """Let PortAudio end; may hang if a server is dead. It is JACK's client from its import on, not only while a stream is open:
    where it was just gone, the next client waited for 20 s in 4 of 18 trials."""
    sounddevice = sys.modules.get("sounddevice")
    while getattr(sounddevice, "_initialized", 0):
        sounddevice._terminate()  # type: ignore[union-attr]


class Output:
    """An open stream that asks `render` for its next frames, saying when. `frames` counts them, `underflows` what came too late."""

    def __init__(self, device: Device, render: Render) -> None:
        """Open it and let it run. Raises NoAudio."""
        self.device, self.frames, self.underflows = device, 0, 0
        self._render = render
        self.faults: list[Exception] = []
        sounddevice = _sounddevice()
        try:
            self._stream = sounddevice.OutputStream(
                device=device.index, samplerate=device.sample_rate, channels=device.channels, dtype="float32",
                latency="low", callback=self._callback,
            )  # fmt: skip
            self._stream.start()
        except (sounddevice.PortAudioError, ValueError) as error:
            raise NoAudio(f"The audio device {device.name!r} cannot be opened: {error}. Is it in use?") from error

    @property
    def active(self) -> bool:
        """Whether the device still asks for frames."""
        return bool(self._stream.active)

    @property
    def latency_ms(self) -> float:
        """What the device says of itself; some say 0."""
        try:
            return round(float(self._stream.latency) * 1000, 1)
        except (ValueError, OverflowError):
            return 0.0

    def close(self) -> None:
        """Give the device back. May hang if its server is dead."""
        self._stream.close(ignore_errors=True)

    def _callback(self, out: npt.NDArray[np.float32], frames: int, _time: Any, status: Any) -> None:
        if status.output_underflow and self.frames:  # the very first block of some systems is none of ours
            self.underflows += 1
        try:
            self._render(out, time.perf_counter())
        except Exception as error:  # noqa: BLE001 - silence, and told outside: an exception here ends the stream
            out.fill(0.0)
            if len(self.faults) < 10:
                self.faults.append(error)
        self.frames += frames


def _sounddevice() -> Any:
    try:
        import sounddevice
    except (ImportError, OSError) as error:  # the wheels for Linux come without the library
        raise NoAudio(f"{NO_PORTAUDIO} ({error}).") from error
    return sounddevice
