"""Messages between the front and the engine process, and the protocol of an engine. No torch: the front imports this module."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from bridge.domain.clip import Piece, Prompt
from bridge.domain.model import Model
from bridge.engine.needs import Needs

TARGET = "bridge.engine.child:main"

NO_NEEDS = Needs()

OnStep = Callable[[int, int], None]
"""Called as (done, units) after each unit of work, such as a denoising step; raises JobCancelled to stop there."""

OnStage = Callable[[int, int, str], None]
"""Called as (done, total, what) while loading and warming."""


class Engine(Protocol):
    """Turns prompts into samples. All methods are called on one thread, to which CUDA graphs are bound.

    `model`: the facts of the loaded checkpoint. `shortcoming`: a sentence on a setting that does not work here, or "". `needs`:
    the memory that jobs need, measured while warming. Of the last completed `generate`: its `cost`, and `scores`, which say how
    well each take fits the prompt (higher is better; empty if takes are not ranked).
    """

    model: Model
    shortcoming: str
    needs: Needs
    cost: Cost
    scores: tuple[float, ...]

    def load(self, on_stage: OnStage) -> Model:
        """Read the checkpoint, which sets `model`. Raises NoModel with a sentence."""

    def warm(self, on_stage: OnStage) -> list[Cost]:
        """What must come before the first job, so that it is served at once; returns what its runs took."""

    def improve(self, on_stage: OnStage, waiting: Callable[[], bool]) -> Iterator[list[Cost] | None]:
        """What makes a warm engine better, in steps between jobs. A step is short, or ends once a job is `waiting`. Yields what its
        runs took if the front is to know of a change (in them, `model`, `needs` or `shortcoming`), else None."""

    def generate(self, prompt: Prompt, on_step: OnStep) -> Iterator[Piece]:
        """Yield the samples of all takes. Raises OutOfMemory, and what `on_step` raises."""

    def highest_bytes(self) -> int:
        """The most memory held so far."""

    def remarks(self, prompt: Prompt) -> dict[str, str]:
        """Remarks on the last run by their keys in /bridge/done: `heard`, the words that a small checkpoint understood;
        `remark`, a sentence. A key without content is absent."""

    def unmet(self, prompt: Prompt) -> tuple[str, ...]:
        """See Prompt: the `note`, if nothing tunes the sound to it."""

    def in_tempo(self, prompt: Prompt) -> bool:
        """See Prompt."""


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
    """Progress. `phase` is `loading` or `warming` before the engine is ready, and `improving` between jobs."""

    phase: str
    done: int
    total: int
    what: str


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a run: `fixed_s` seconds once (encoding, decoding) and `per_unit_s` for each of its `units` (see
    Prompt.units), in which the network ran `evaluations` times. `sound_s`: seconds of sound in all takes."""

    fixed_s: float
    per_unit_s: float
    units: int
    sound_s: float
    evaluations: int = 1

    @property
    def seconds(self) -> float:
        """Seconds of the run."""
        return self.fixed_s + self.per_unit_s * self.units

    @classmethod
    def of(cls, prompt: Prompt, units_s: float, fixed_s: float, whole_s: float = 0.0) -> Cost:
        """The cost of a settled prompt, whose units took `units_s` seconds in all. `whole_s`: see Needs."""
        sound_s = (whole_s or prompt.seconds) * prompt.takes
        return cls(fixed_s, units_s / prompt.units, prompt.units, sound_s, prompt.evaluations)


@dataclass(frozen=True, slots=True)
class Ready:
    """The engine accepts jobs; sent again when it has improved. `highest_bytes`: as in Finished; `shortcoming`: see Engine."""

    model: Model
    costs: tuple[Cost, ...]
    needs: Needs = NO_NEEDS
    highest_bytes: int = 0
    shortcoming: str = ""


@dataclass(frozen=True, slots=True)
class Unloadable:
    """The checkpoint cannot be loaded, and a new try would not help. `details` are for the log."""

    why: str
    details: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An engine on another machine cannot be reached, and is asked again until it can. Sent again as a sign of life; Ready follows."""

    why: str


@dataclass(frozen=True, slots=True)
class Returned:
    """A job could not be given to an engine on another machine: nothing of it was begun, and it must be sent again after Ready."""

    serial: int


@dataclass(frozen=True, slots=True)
class Step:
    """`done` of `units` are complete."""

    serial: int
    done: int
    units: int


@dataclass(frozen=True, slots=True)
class Samples:
    serial: int
    piece: Piece


@dataclass(frozen=True, slots=True)
class Finished:
    """All samples of a job were sent. `scores`, `remarks`, `highest_bytes`, `unmet`, `in_tempo`: see Engine."""

    serial: int
    cost: Cost
    scores: tuple[float, ...]
    remarks: dict[str, str] = field(default_factory=dict)
    highest_bytes: int = 0
    unmet: tuple[str, ...] = ()
    in_tempo: bool = False


@dataclass(frozen=True, slots=True)
class Broken:
    """A job ended without a clip: an error's code and sentence, or code `cancelled`. `details` are for the log. `survives`: after
    `engine_lost` this process goes on, because only the other machine was lost; else it ends."""

    serial: int
    code: str
    why: str
    details: str = ""
    survives: bool = False
