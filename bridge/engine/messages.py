"""What the front and the engine process say to each other, and what an engine must be able to do.

No torch here: the front imports this module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from bridge.domain.clip import Piece, Prompt
from bridge.domain.model import Model
from bridge.engine.needs import Needs

TARGET = "bridge.engine.process:main"

NO_NEEDS = Needs()

OnStep = Callable[[int, int], None]
"""Called as (step, steps) after each denoising step; raises JobCancelled to stop there."""

OnStage = Callable[[int, int, str], None]
"""Called as (done, total, what) while loading and warming."""


class Engine(Protocol):
    """Turns prompts into samples. Everything is called on one thread: CUDA graphs are bound to theirs."""

    shortcoming: str
    """A sentence on what was asked for and does not work here; "" if there is nothing to say."""

    def load(self, on_stage: OnStage) -> Model:
        """Read the checkpoint. Raises NoModel with a sentence."""

    def warm(self, on_stage: OnStage) -> list[Cost]:
        """Run what will be asked for once, and measure it."""

    def generate(self, prompt: Prompt, on_step: OnStep) -> Iterator[Piece]:
        """Yield the samples of all takes. Raises OutOfMemory, and what `on_step` raises."""

    def last_cost(self) -> Cost:
        """What the last completed `generate` took."""

    def needs(self) -> Needs:
        """What jobs take of the memory, measured while warming."""

    def highest_bytes(self) -> int:
        """The most memory that was held so far."""

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
class Cost:
    """What a run took: `fixed_s` seconds for the whole (encoding, decoding), `per_unit_s` for each of its `units` (see
    Prompt.units), in each of which the network ran `evaluations` times, for `sound_s` seconds of sound in all takes."""

    fixed_s: float
    per_unit_s: float
    units: int
    sound_s: float
    evaluations: int = 1

    @property
    def seconds(self) -> float:
        """Seconds of the whole run."""
        return self.fixed_s + self.per_unit_s * self.units

    @classmethod
    def of(cls, prompt: Prompt, units_s: float, fixed_s: float, whole_s: float = 0.0) -> Cost:
        """The cost of a settled prompt, whose units took `units_s` seconds together. `whole_s`: the length in
        seconds that every clip costs as much as, in families where that is so."""
        sound_s = (whole_s or prompt.seconds) * prompt.takes
        return cls(fixed_s, units_s / prompt.units, prompt.units, sound_s, prompt.evaluations)


@dataclass(frozen=True, slots=True)
class Ready:
    """Jobs are taken. `highest_bytes`: as in Finished; `shortcoming`: see Engine.shortcoming."""

    model: Model
    costs: tuple[Cost, ...]
    needs: Needs = NO_NEEDS
    highest_bytes: int = 0
    shortcoming: str = ""


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
    """All samples of a job were sent. `scores`: one a take, or empty; `remarks`: see Engine.remarks.
    `highest_bytes`: the most memory that the engine has held so far."""

    serial: int
    cost: Cost
    scores: tuple[float, ...]
    remarks: dict[str, str] = field(default_factory=dict)
    highest_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Broken:
    """A job ended without a clip: an error's code and sentence, or code `cancelled`. `details` are for the log."""

    serial: int
    code: str
    why: str
    details: str = ""
