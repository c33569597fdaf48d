"""What the front and the player process say to each other. No NumPy here: the front imports this module."""

from __future__ import annotations

from dataclasses import dataclass

TARGET = "bridge.player.process:main"


@dataclass(frozen=True, slots=True)
class When:
    """A moment: `at` seconds of `time.perf_counter` (None: now), then the next `beat` or `bar` of the tempo, if `quantize`
    is not ""."""

    at: float | None = None
    quantize: str = ""


NOW = When()


def when(quantize: str | None, at: float | None = None) -> When:
    """The moment that an ask's `quantize` (None and "off": at once) names, from `at` on."""
    return When(at, "" if quantize in (None, "off") else quantize)


# ---- front → player; and a Tempo, whenever it changes ----
@dataclass(frozen=True, slots=True)
class Play:
    """Sound a clip from its beginning. `file`: float32 samples as `numpy.save` writes them, (frames, channels) at
    `sample_rate` Hz, which the front removes when the voice has ended; `gain` is a factor, `pan` −1 (left) to 1."""

    voice: int
    file: str
    sample_rate: int
    gain: float = 1.0
    pan: float = 0.0
    loop: bool = False
    when: When = NOW
    frames: int = 0  # of the whole clip, where this is its beginning; the rest follows
    goes_on: bool = False  # it is the next part of such a voice
    last: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """Keep the samples of a file (as in Play, but it stays) ready under a number, both ends faded by `fade_ms`."""

    slot: int
    file: str
    sample_rate: int
    fade_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Sound:
    """Sound what is held under `slot`; or `overlap_ms` before the end of the voice `after`, if that still sounds."""

    voice: int
    slot: int
    gain: float = 1.0
    pan: float = 0.0
    when: When = NOW
    after: int | None = None
    overlap_ms: float = 0.0
    loop: bool = False


@dataclass(frozen=True, slots=True)
class Release:
    """Hold that no longer. What sounds goes on."""

    slot: int


@dataclass(frozen=True, slots=True)
class Stop:
    """Fade one voice out, or all (None), and everything that was to be played before this was said."""

    voice: int | None
    fade_ms: float
    when: When = NOW


@dataclass(frozen=True, slots=True)
class Change:
    """Change a voice while it sounds; None leaves a value as it is. Gain and pan glide for `glide_ms`."""

    voice: int
    gain: float | None = None
    pan: float | None = None
    loop: bool | None = None
    glide_ms: float = 20.0
    when: When = NOW


# ---- player → front ----
@dataclass(frozen=True, slots=True)
class Opened:
    """Clips can sound. `latency_ms`: as the device says it; some say 0."""

    device: str
    sample_rate: int
    channels: int
    latency_ms: float


@dataclass(frozen=True, slots=True)
class Unusable:
    """No device could be opened; it is tried again every second."""

    why: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The device that was open is gone. `sounded`: whether it ever took a frame."""

    why: str
    sounded: bool = True


@dataclass(frozen=True, slots=True)
class Open:
    """Something is to be played soon: open the device."""


@dataclass(frozen=True, slots=True)
class Began:
    """A voice that was to begin later sounds."""

    voice: int


@dataclass(frozen=True, slots=True)
class Ended:
    """A voice sounds no more: it came to its end, was stopped, or could not be loaded (then `why` says it)."""

    voice: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Alive:
    """A sign of life. `underflows`: how often the device had to wait for us, since it was opened."""

    underflows: int = 0
