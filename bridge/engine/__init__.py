"""What the front and the engine process say to each other, and what an engine must be able to do.

No torch here: the front imports this module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from bridge.clip import Model, Piece, Prompt

TARGET = "bridge.engine.process:main"

OnStep = Callable[[int, int], None]
"""Called as (step, steps) after each denoising step; raises JobCancelled to stop there."""

OnStage = Callable[[int, int, str], None]
"""Called as (done, total, what) while loading and warming."""


class Engine(Protocol):
    """Turns prompts into samples. Everything is called on one thread: CUDA graphs are bound to theirs."""

    sample_rate: int
    max_seconds: float

    def load(self, on_stage: OnStage) -> Model:
        """Read the checkpoint. Raises NoModel with a sentence."""

    def warm(self, on_stage: OnStage) -> list[Timing]:
        """Run what will be asked for once, and measure it."""

    def generate(self, prompt: Prompt, on_step: OnStep) -> Iterator[Piece]:
        """Yield the samples of all takes. Raises OutOfMemory, and what `on_step` raises."""

    def last_timing(self) -> Timing:
        """What the last completed `generate` took."""

    def scores(self) -> tuple[float, ...]:
        """How well each take of the last `generate` fits its prompt: higher is better."""

    def remarks(self, prompt: Prompt) -> dict[str, str]:
        """What the musician should know of the last run, by its key in /bridge/done: `heard`, the words that a small
        checkpoint understood; `remark`, a sentence. Absent where there is nothing to say."""


# ---- front → engine ----
@dataclass(frozen=True, slots=True)
class Generate:
    serial: int
    prompt: Prompt


@dataclass(frozen=True, slots=True)
class Cancel:
    serial: int


# ---- engine → front ----
@dataclass(frozen=True, slots=True)
class Stage:
    """Progress of getting ready; `phase` is `loading` or `warming`."""

    phase: str
    done: int
    total: int
    what: str


@dataclass(frozen=True, slots=True)
class Timing:
    """Measured seconds of one run: in the denoising loop, and in encoding, decoding and all the rest."""

    prompt: Prompt
    denoise_s: float
    rest_s: float


@dataclass(frozen=True, slots=True)
class Ready:
    model: Model
    timings: tuple[Timing, ...]


@dataclass(frozen=True, slots=True)
class Unloadable:
    """The checkpoint cannot be loaded; trying again will not help until somebody mends it. `details` are for the log."""

    why: str
    details: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    serial: int
    step: int
    steps: int


@dataclass(frozen=True, slots=True)
class Samples:
    serial: int
    piece: Piece


@dataclass(frozen=True, slots=True)
class Finished:
    """All samples of a job were sent. `scores`: one a take, or empty; `remarks`: see Engine.remarks."""

    serial: int
    timing: Timing
    scores: tuple[float, ...]
    remarks: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Broken:
    """A job ended without a clip: an error's code and sentence, or code `cancelled`. `details` are for the log."""

    serial: int
    code: str
    why: str
    details: str = ""
