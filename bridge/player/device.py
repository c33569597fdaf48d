"""Audio devices: find one by name, open it at its own rate and channels. The only importer of sounddevice.

PortAudio can hang or end its process: call this only from the player process or from a command.
"""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bridge.errors import NoAudio

NO_PORTAUDIO = (
    "PortAudio is missing. On Debian and Ubuntu: sudo apt install libportaudio2; elsewhere: pip install --force-reinstall "
    "sounddevice"
)
MAX_CHANNELS = 2
JACK_CLIENT = ctypes.c_char_p(b"Clipbridge")  # PortAudio keeps the pointer

Render = Callable[[npt.NDArray[np.float32], float], None]


@dataclass(frozen=True, slots=True)
class Device:
    """An output as PortAudio lists it. `index`: its number, valid until the list is refreshed."""

    index: int
    name: str
    system: str
    channels: int
    sample_rate: int
    is_default: bool


def outputs(refresh: bool = False) -> list[Device]:
    """All output devices. PortAudio keeps the list from its start unless `refresh` is set. Raises NoAudio."""
    sounddevice = _sounddevice()
    try:
        if refresh:  # PortAudio has no function for it
            leave()
            sounddevice._initialize()
        default = sounddevice.default.device[1]
        systems = [api["name"] for api in sounddevice.query_hostapis()]
        return [
            Device(
                number, str(entry["name"]), str(systems[entry["hostapi"]]),
                min(MAX_CHANNELS, int(entry["max_output_channels"])), round(entry["default_samplerate"]), number == default,
            )
            for number, entry in enumerate(sounddevice.query_devices())
            if entry["max_output_channels"] > 0
        ]  # fmt: skip
    except sounddevice.PortAudioError as error:
        raise NoAudio(f"The audio devices cannot be listed ({error}).") from error


def choose(name: str, available: list[Device]) -> Device:
    """The device called `name`, or one whose name contains it; "" and "default" are the system's default. Ignores case. Raises
    NoAudio."""
    if not available:
        raise NoAudio("This machine has no audio output that PortAudio knows.")
    if name in ("", "default"):
        return next((device for device in available if device.is_default), available[0])
    folded = name.casefold()
    for fits in (lambda device: device.name.casefold() == folded, lambda device: folded in device.name.casefold()):
        matches = [device for device in available if fits(device)]
        if matches:
            return next((device for device in matches if device.is_default), matches[0])
    names = ", ".join(dict.fromkeys(device.name for device in available))
    raise NoAudio(f"There is no audio device {name[:60]!r}; there are: {names[:400]}.")


def leave() -> None:
    """Terminate PortAudio; may hang if a server is dead. PortAudio is a JACK client from its import on, not only while a stream
    is open: after it ended without this, the next client waited for 20 s in 4 of 18 trials."""
    sounddevice = sys.modules.get("sounddevice")
    while getattr(sounddevice, "_initialized", 0):
        sounddevice._terminate()  # type: ignore[union-attr]


class Output:
    """An open stream. It calls `render(out, now)` for its next frames, `now` in seconds of `time.perf_counter`. `frames` counts
    the frames requested, `underflows` the blocks that came too late, `faults` holds exceptions of `render`."""

    def __init__(self, device: Device, render: Render) -> None:
        """Open and start the stream. Raises NoAudio."""
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


def _name_jack_client() -> None:
    """Be called Clipbridge in JACK's patch bays instead of PortAudio; before sounddevice starts PortAudio. sounddevice has no function
    for it, and only the library of a Linux system can have JACK."""
    if sys.platform == "linux" and "sounddevice" not in sys.modules:
        with contextlib.suppress(OSError, AttributeError):  # no PortAudio, or one without JACK
            ctypes.CDLL(ctypes.util.find_library("portaudio") or "").PaJack_SetClientName(JACK_CLIENT)


def _sounddevice() -> Any:
    _name_jack_client()
    try:
        import sounddevice
    except (ImportError, OSError) as error:  # the wheels for Linux come without the library
        raise NoAudio(f"{NO_PORTAUDIO} ({error}).") from error
    return sounddevice
