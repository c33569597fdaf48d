"""Audio devices: find one by name. The only importer of sounddevice.

PortAudio can hang or end its process: call this only from the player process or from a command.
"""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import sys
from dataclasses import dataclass
from typing import Any

from bridge.errors import NoAudio

NO_PORTAUDIO = (
    "PortAudio is missing. On Debian and Ubuntu: sudo apt install libportaudio2; elsewhere: pip install --force-reinstall "
    "sounddevice"
)
# The channels of these systems are the device's own. Others mix them down to the device's (PulseAudio and PipeWire behind ALSA, DirectSound
# and MME of Windows): a third channel would come out of the first.
OWN_CHANNELS = ("Core Audio", "JACK Audio Connection Kit", "ASIO", "Windows WASAPI", "Windows WDM-KS")
MME_NAME = 31  # characters, at which MME cuts the name that other systems of Windows give in full
_kept_names: list[ctypes.c_char_p] = []


@dataclass(frozen=True, slots=True)
class Device:
    """An output as PortAudio lists it. `index`: its number, valid until the list is refreshed. `system`: the API that leads to it."""

    index: int
    name: str
    system: str
    channels: int
    sample_rate: int
    is_default: bool

    @property
    def has_own_channels(self) -> bool:
        """Whether each channel comes out of a socket of its own; not known for ALSA's plug-ins, such as `pulse`."""
        return self.system in OWN_CHANNELS or (self.system == "ALSA" and "(hw:" in self.name)

    def is_same_as(self, other: Device) -> bool:
        """Whether both are the same device, perhaps through two systems."""
        shown = MME_NAME if "MME" in (self.system, other.system) else None
        return self.name[:shown].casefold() == other.name[:shown].casefold()


def outputs(refresh: bool = False) -> list[Device]:
    """All output devices. PortAudio keeps the list from its start unless `refresh` is set. Raises NoAudio."""
    sounddevice = sounddevice_module()
    try:
        if refresh:  # PortAudio has no function for it
            leave()
            sounddevice._initialize()
        default = sounddevice.default.device[1]
        systems = [api["name"] for api in sounddevice.query_hostapis()]
        return [
            Device(
                number, str(entry["name"]), str(systems[entry["hostapi"]]),
                int(entry["max_output_channels"]), round(entry["default_samplerate"]), number == default,
            )
            for number, entry in enumerate(sounddevice.query_devices())
            if entry["max_output_channels"] > 0
        ]  # fmt: skip
    except sounddevice.PortAudioError as error:
        raise NoAudio(f"The audio devices cannot be listed ({error}).") from error


def choose(name: str, available: list[Device], channels: int = 0) -> Device:
    """The device called `name`, or one whose name contains it; "" and "default" are the system's default. Ignores case. Of several, the
    first with `channels` of its own if one has them, or else the default. Raises NoAudio."""
    if not available:
        raise NoAudio("This machine has no audio output that PortAudio knows.")
    if name in ("", "default"):
        default = next((device for device in available if device.is_default), available[0])
        return _with_channels(default, [device for device in available if device.is_same_as(default)], channels)
    folded = name.casefold()
    for fits in (lambda device: device.name.casefold() == folded, lambda device: folded in device.name.casefold()):
        matches = [device for device in available if fits(device)]
        if matches:
            preferred = next((device for device in matches if device.is_default), matches[0])
            return _with_channels(preferred, matches, channels)
    names = ", ".join(dict.fromkeys(device.name for device in available))
    raise NoAudio(f"There is no audio device {name[:60]!r}; there are: {names[:400]}.")


def _with_channels(preferred: Device, others: list[Device], channels: int) -> Device:
    """`preferred`, or another one if only that has `channels` of its own."""
    enough = (it for it in (preferred, *others) if it.has_own_channels and it.channels >= channels)
    return next(enough, preferred) if channels else preferred


def leave() -> None:
    """Terminate PortAudio; may hang if a server is dead. PortAudio is a JACK client from its import on, not only while a stream
    is open: after it ended without this, the next client waited for 20 s in 4 of 18 trials."""
    sounddevice = sys.modules.get("sounddevice")
    while getattr(sounddevice, "_initialized", 0):
        sounddevice._terminate()  # type: ignore[union-attr]


def name_jack_client(name: str) -> None:
    """Be called `name` in JACK's patch bays instead of PortAudio; before sounddevice starts PortAudio. sounddevice has no function
    for it, and only the library of a Linux system can have JACK."""
    if sys.platform == "linux" and "sounddevice" not in sys.modules:
        _kept_names.append(ctypes.c_char_p(name.encode()))  # PortAudio keeps the pointer
        with contextlib.suppress(OSError, AttributeError):  # no PortAudio, or one without JACK
            ctypes.CDLL(ctypes.util.find_library("portaudio") or "").PaJack_SetClientName(_kept_names[-1])


def sounddevice_module() -> Any:
    if not _kept_names:
        name_jack_client("Clipbridge")
    try:
        import sounddevice
    except (ImportError, OSError) as error:  # the wheels for Linux come without the library
        raise NoAudio(f"{NO_PORTAUDIO} ({error}).") from error
    return sounddevice
