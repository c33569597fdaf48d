"""Messages between the front and the learn process. No NumPy: the front imports this module."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain.learning import LearnAsk

TARGET = "bridge.learn.process:main"


# ---- front → learn ----
@dataclass(frozen=True, slots=True)
class Begin:
    """Learn a folder, or go on with it. The first message, and the only ask that a process gets."""

    ask: LearnAsk


@dataclass(frozen=True, slots=True)
class Stop:
    """Save the state and stop; Stopped answers."""


# ---- learn → front ----
@dataclass(frozen=True, slots=True)
class Reading:
    """`done` of `total` files of the folder were read."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Left:
    """A file of the folder is left out. Only the first of many are named."""

    file: str
    why: str


@dataclass(frozen=True, slots=True)
class Read:
    """The folder was read: `files` of sound, of `seconds` in all; `left_out` of them cannot be used, and `others` are not sound.
    `words`: how many different ones there are. `learned_s`: the seconds that were learned before."""

    files: int
    seconds: float
    left_out: int
    others: int
    words: int
    learned_s: float


@dataclass(frozen=True, slots=True)
class Progress:
    """`loss`: of the training, and `held_out`: of the sounds that are held out, now; `base`: before it began. `remark`: a sentence about
    what goes wrong meanwhile, or ""."""

    fraction: float
    step: int
    loss: float
    held_out: float
    base: float
    seconds_left: float
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """A clip to hear is in `file`: `frames` of mono samples at OUTPUT_RATE, as `numpy.save` writes them. The front removes it."""

    file: str
    frames: int
    words: tuple[str, ...]
    seed: int
    step: int


@dataclass(frozen=True, slots=True)
class Learned:
    """The model is in `folder`. `loss`: of its held-out sounds, `base`: before it learned. `word`: what its sounds are called in
    prompts, "" if its words are those of the folder."""

    folder: str
    files: int
    steps: int
    seconds: float
    loss: float
    base: float
    word: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Stopped:
    """Answers Stop: the state is saved. `why`: a sentence if it is not."""

    why: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """The folder cannot be learned, with an error's code and sentence. `details` go into the log."""

    code: str
    why: str
    details: str = ""
