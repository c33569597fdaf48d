"""What the front and the shaper process say to each other. No NumPy here: the front imports this module."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.clip import Model, Piece, Prompt, TakeFile

TARGET = "bridge.shaper:main"


# ---- front → shaper ----
@dataclass(frozen=True, slots=True)
class Samples:
    serial: int
    piece: Piece


@dataclass(frozen=True, slots=True)
class Deliver:
    """All pieces of a job were sent: shape them and put them into the folder."""

    serial: int
    prompt: Prompt
    model: Model
    scores: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Drop:
    """Forget what was sent of this job."""

    serial: int


# ---- shaper → front ----
@dataclass(frozen=True, slots=True)
class Delivered:
    """The takes lie in the folder, best first. `seconds`: what shaping and writing took."""

    serial: int
    takes: tuple[TakeFile, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Written:
    """A sign of life: one of several takes is in the folder."""

    serial: int


@dataclass(frozen=True, slots=True)
class Undelivered:
    """No clip: an error's code and sentence. `details` are for the log."""

    serial: int
    code: str
    why: str
    details: str = ""
