"""Messages between the front and the player process. No NumPy: the front imports this module."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain.outputs import MAIN

TARGET = "bridge.player.process:main"


@dataclass(frozen=True, slots=True)
class When:
    """A start time: `at` seconds of `time.perf_counter` (None: now), moved to the next "beat" or "bar" if `quantize` is one."""

    at: float | None = None
    quantize: str = ""


NOW = When()


def when(quantize: str | None, at: float | None = None) -> When:
    """The start time for an ask's `quantize` (None and "off": not quantized), at or after `at`."""
    return When(at, "" if quantize in (None, "off") else quantize)


# ---- front → player; also a Tempo whenever it changes ----
@dataclass(frozen=True, slots=True)
class Play:
    """Play a clip. `file`: float32 samples as `numpy.save` writes them, (frames, channels) at `sample_rate` Hz; the front
    removes it when the voice has ended. With a `sample_rate` of 0 it is any audio file, of which the seconds `from_s` to `to_s`
    (None: to its end) are played. `gain`: a factor; `pan`: −1 (left) to 1."""

    voice: int
    file: str
    sample_rate: int
    gain: float = 1.0
    pan: float = 0.0
    loop: bool = False
    when: When = NOW
    frames: int = 0  # of the whole clip, if `file` holds only its first part
    goes_on: bool = False  # `file` holds the next part of such a voice
    last: bool = False
    from_s: float = 0.0
    to_s: float | None = None
    output: str = MAIN


@dataclass(frozen=True, slots=True)
class Hold:
    """Load a file (as in Play, but it is not removed) and hold it as `slot`, both ends faded by `fade_ms`, for an overlap with
    another sound or, if `same`, with a copy of its own. With a `sample_rate` of 0 it is any audio file of at most `longest_s`
    seconds, for a `loop` or not, and Held answers."""

    slot: int
    file: str
    sample_rate: int
    fade_ms: float = 0.0
    loop: bool = False
    longest_s: float = 0.0
    same: bool = False


@dataclass(frozen=True, slots=True)
class Sound:
    """Play what is held as `slot`; if the voice `after` is still sounding, `overlap_ms` before its end."""

    voice: int
    slot: int
    gain: float = 1.0
    pan: float = 0.0
    when: When = NOW
    after: int | None = None
    overlap_ms: float = 0.0
    loop: bool = False
    output: str = MAIN


@dataclass(frozen=True, slots=True)
class Release:
    """Drop what is held as `slot`. Voices that play it go on."""

    slot: int


@dataclass(frozen=True, slots=True)
class Stop:
    """Fade out one voice, or all (None), including those that were to start later."""

    voice: int | None
    fade_ms: float
    when: When = NOW


@dataclass(frozen=True, slots=True)
class Change:
    """Change a voice; None leaves a value unchanged. Gain and pan glide for `glide_ms`."""

    voice: int
    gain: float | None = None
    pan: float | None = None
    loop: bool | None = None
    glide_ms: float = 20.0
    when: When = NOW


# ---- player → front ----
@dataclass(frozen=True, slots=True)
class Opened:
    """A device is open. `channels`: the number of open ones. `latency_ms`: from the arrival of a request to its sound, at most: mixing
    ahead, and what the device reports (some report 0). `remark`: where it plays pads if their pair is missing. `no_cue`: why the cue has
    no pair of this device."""

    device: str
    sample_rate: int
    channels: int
    latency_ms: float
    remark: str = ""
    no_cue: str = ""


@dataclass(frozen=True, slots=True)
class Unusable:
    """No device could be opened; the player keeps trying."""

    why: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The open device is gone. `sounded`: whether it ever played a frame."""

    why: str
    sounded: bool = True


@dataclass(frozen=True, slots=True)
class Open:
    """Open the device: something will be played soon."""


@dataclass(frozen=True, slots=True)
class Began:
    """A voice that was scheduled has begun."""

    voice: int


@dataclass(frozen=True, slots=True)
class Held:
    """Answers Hold of an audio file: it is held, or cannot be, and why."""

    slot: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """A voice ended, was stopped, or could not be loaded (then `why` has the reason)."""

    voice: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Alive:
    """A sign of life. `underflows`: blocks that the device did not get in time since it was opened."""

    underflows: int = 0
