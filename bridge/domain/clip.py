"""What is made and what comes back: Prompt, Model, Piece, TakeFile."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain.ask import DEFAULT_SHAPE, Shape
from bridge.domain.limits import SEED

OUTPUT_RATE = 48_000  # Hz, of every clip; what samplers and DAWs run at

# AudioLDM 2's own default negative prompt (README of the cvssp/audioldm2 checkpoints).
DEFAULT_NEGATIVE = "Low quality, average quality."


@dataclass(frozen=True, slots=True)
class Prompt:
    """Everything that is needed to make a clip again, with the same versions and compute.

    `text` is what the musician wrote, `full_text` what the engine reads (a preset puts words around it).
    Take `n` (from 1) has the seed `seed + n - 1`, so that one take can be asked for alone.
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
    shape: Shape = DEFAULT_SHAPE
    note: str = ""  # "c#4", or "" for none
    transcript: str = ""  # the words that a speech checkpoint speaks
    bars: float = 0.0  # 0: the length was asked for in seconds
    bpm: float = 0.0  # of the bars
    beats_per_bar: int = 4
    loop: bool = False  # the end runs into the beginning without a seam
    key: str = ""  # "f#m", or "" for none

    @property
    def as_it_comes(self) -> bool:
        """Whether the beginning can be shaped before the end is made."""
        return not (self.loop or self.bars or self.key or self.shape.needs_whole_clip)

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
    """One complete take in the sample folder. `path` is absolute, with `/` on every system."""

    take: int
    path: str
    seconds: float
    frames: int
    sample_rate: int
    channels: int
    seed: int
    score: float
    measured: tuple[tuple[str, float | str], ...] = ()  # the measured facts in /bridge/done
    remark: str = ""
