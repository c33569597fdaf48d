"""What is asked for and what comes back: Prompt, Shape, Piece, Model and the ranges that every door checks against."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple


class Range(NamedTuple):
    """A closed range of numbers; `low` and `high` are both allowed."""

    low: float
    high: float

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high  # NaN is in no range

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:.12g}"


OUTPUT_RATE = 48_000  # Hz, of every clip; what samplers and DAWs run at

# The one home of every limit: METHODS, presets and the engine all read them here.
SECONDS = Range(0.1, 150.0)
STEPS = Range(1, 250)
GUIDANCE = Range(0.0, 30.0)
TAKES = Range(1, 16)
SEED = Range(0, 2**31 - 1)  # what an OSC int32 can carry back to the asker
GAIN = Range(0.0, 4.0)  # a factor; the limiter holds what is too much
PAN = Range(-1.0, 1.0)
BPM = Range(20.0, 999.0)
BARS = Range(1 / 16, 256.0)
BEATS_PER_BAR = Range(1, 32)
QUANTIZE = ("off", "beat", "bar")
PADS = Range(0, 127)  # as many as MIDI has notes
VOICE_FADE_MS = Range(5.0, 60_000.0)
DEADLINE_S = Range(0.05, 3_600.0)
FADE_MS = Range(0.0, 10_000.0)
LUFS = Range(-40.0, -6.0)
TRIMS = ("off", "onset", "free")
FORMATS = ("wav", "flac", "aiff")
BITS = Range(16, 32)
WIDTHS = (16, 24, 32)  # bits; 32 are floating point
CHANNELS = Range(1, 2)
RATING = Range(0, 5)
MAX_PROMPT_CHARACTERS = 4_000

# A sub-folder that every system can have; and what Windows takes for devices.
FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,39}(/[A-Za-z0-9][A-Za-z0-9 _-]{0,39}){0,2}")
RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])", re.IGNORECASE)

# A seed that we draw survives Pd, whose only number is a 32-bit float and which prints six digits of it.
DRAWN_SEEDS = 1_000_000

# AudioLDM 2's own default negative prompt (README of the cvssp/audioldm2 checkpoints).
DEFAULT_NEGATIVE = "Low quality, average quality."


@dataclass(frozen=True, slots=True)
class Shape:
    """What is done to the samples on their way into a file.

    `trim`: `onset` cuts what comes before the first sound and fills up with silence at the end, `free` cuts at both ends, so
    that the clip becomes shorter. Fades in milliseconds. `lufs`: the loudness (ITU-R BS.1770) that the clip is brought to, as
    far as its peaks allow; None: its peak is brought to −1 dBFS. `bits` of a sample: 16, 24, or 32 for floating point;
    `channels`: 2 has the same in both. `folder`: a sub-folder, "" for none.
    """

    fade_in_ms: float = 1.0
    fade_out_ms: float = 15.0
    folder: str = ""
    trim: str = "off"
    lufs: float | None = None
    format: str = "wav"
    bits: int = 24
    channels: int = 1


@dataclass(frozen=True, slots=True)
class Prompt:
    """Everything that is needed to make a clip again, with the same versions and compute.

    `text` is what the musician wrote, `full_text` what the engine is given (a preset wraps words around it).
    Take `n` (from 1) is made with seed `seed + n - 1`, so that one take can be asked for again alone.
    """

    text: str
    full_text: str
    seconds: float
    seed: int
    negative: str = DEFAULT_NEGATIVE
    steps: int = 20
    guidance: float = 3.5
    takes: int = 1
    preset: str = ""
    shape: Shape = Shape()
    note: str = ""  # "c#4", or "" for none
    transcript: str = ""  # the words that a speech checkpoint speaks
    bars: float = 0.0  # 0: the length was asked for in seconds
    bpm: float = 0.0  # of the bars
    beats_per_bar: int = 4
    loop: bool = False  # it goes on at its end where it began, without a seam
    key: str = ""  # "f#m", or "" for none

    @property
    def as_it_comes(self) -> bool:
        """Whether its beginning can be shaped before its end is there."""
        measured = self.loop or self.bars or self.key or self.shape.lufs is not None
        return not measured and self.shape.trim == "off"

    def seed_of(self, take: int) -> int:
        """The seed of take `take` (1-based), wrapped so that it stays a positive 31-bit number."""
        return (self.seed + take - 1) % (int(SEED.high) + 1)


@dataclass(frozen=True, slots=True)
class Model:
    """The facts of a loaded checkpoint that replies and recipes state. `sample_rate` in Hz, `max_seconds` in seconds;
    `licence` as the checkpoint itself states it, "" if it does not; `speech`: it speaks a transcript;
    `compiled`: how its network runs (`trace`, `graphs`, or `off`: as it is)."""

    name: str
    revision: str
    sample_rate: int
    max_seconds: float
    compute: str
    dtype: str
    scheduler: str
    scheduler_settings: tuple[tuple[str, str], ...] = ()
    licence: str = ""
    untrained: bool = False
    speech: bool = False
    compiled: str = "off"


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of finished samples of one take, on its way from the engine to the shaper.

    `samples` are little-endian float32, frames × channels, interleaved, as bytes: the front passes them on and
    has no NumPy. `take` counts from 1, `start_frame` from 0 at the engine's rate.
    """

    take: int
    start_frame: int
    samples: bytes
    channels: int
    last: bool


@dataclass(frozen=True, slots=True)
class TakeFile:
    """One take that lies in the sample folder, complete. `path` is absolute, with `/` on every system."""

    take: int
    path: str
    seconds: float
    frames: int
    sample_rate: int
    channels: int
    seed: int
    score: float
    measured: tuple[tuple[str, float | str], ...] = ()  # what /bridge/done tells of it
    remark: str = ""


def is_sub_folder(text: str) -> bool:
    """Whether clips may be put there: below the sample folder, with a name that every system takes."""
    return bool(FOLDER.fullmatch(text)) and not any(RESERVED.fullmatch(part) for part in text.split("/"))
