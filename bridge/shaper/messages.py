"""Messages between the front and the shaper process. No NumPy: the front imports this module."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bridge.domain.clip import Piece, Prompt, TakeFile
from bridge.domain.kit import Kit
from bridge.domain.model import Model
from bridge.errors import ClipbridgeError

TARGET = "bridge.shaper.process:main"


# ---- front → shaper ----
@dataclass(frozen=True, slots=True)
class Samples:
    """A piece of a job's audio, passed on from the engine."""

    serial: int
    piece: Piece


@dataclass(frozen=True, slots=True)
class Begin:
    """Play a clip while it is still being decoded: its pieces follow."""

    serial: int
    prompt: Prompt
    model: Model


@dataclass(frozen=True, slots=True)
class Deliver:
    """Shape the pieces of a job, all of which were sent, and deliver the clips."""

    serial: int
    prompt: Prompt
    model: Model
    scores: tuple[float, ...]
    sink: str = "folder"  # or audio, both, pad, stream
    heard: bool = False  # its pieces were played already
    only: int = 0  # this take alone; 0: all
    insist: bool = False  # deliver it even if its tempo is off


@dataclass(frozen=True, slots=True)
class Drop:
    """Discard the pieces of this job."""

    serial: int


@dataclass(frozen=True, slots=True)
class Save:
    """Save the samples in `file` (as `numpy.save` writes them) to the folder. `number` comes back in Saved."""

    number: int
    file: str
    prompt: Prompt
    model: Model


@dataclass(frozen=True, slots=True)
class Claim:
    """Create a new folder: `kits/slug` in the sample folder, or `kits/slug-2` …"""

    number: int
    slug: str


@dataclass(frozen=True, slots=True)
class Map:
    """Write the mappings of a kit into its sub-folder, whose samples are complete. `written`: format → path of those that were
    written before, which are replaced."""

    number: int
    folder: str
    kit: Kit
    written: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Leave:
    """Remove this sub-folder if it is empty: no more files will come. Has no answer."""

    folder: str


@dataclass(frozen=True, slots=True)
class Measure:
    """Measure an audio file; of tempi that fit equally well, take the one nearest to `bpm`."""

    number: int
    path: str
    bpm: float


@dataclass(frozen=True, slots=True)
class CropFile:
    """Write the seconds `from_s` to `to_s` of an audio file into a new one in the sample folder."""

    number: int
    path: str
    from_s: float
    to_s: float


@dataclass(frozen=True, slots=True)
class InspectSource:
    """Check an audio file that a clip should start from (see domain.source). `to_s`: None for its end; of tempi that fit equally well,
    take the one nearest to `bpm`."""

    number: int
    path: str
    how: str
    from_s: float
    to_s: float | None
    bpm: float


@dataclass(frozen=True, slots=True)
class Keep:
    """Write what sounded, the samples in `file`, into the sample folder, so that a clip can start from it."""

    number: int
    file: str
    prompt: Prompt
    model: Model


# ---- shaper → front ----
@dataclass(frozen=True, slots=True)
class FileDone:
    """Answers Measure, CropFile, InspectSource and Keep: the facts, or an error."""

    number: int
    facts: dict[str, Any]
    error: ClipbridgeError | None = None


@dataclass(frozen=True, slots=True)
class Claimed:
    """Answers Claim: the sub-folder, and its absolute path with `/`; or "" and the reason in `why`."""

    number: int
    folder: str
    path: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Mapped:
    """Answers Map: format → absolute path with `/`; or {} and the reason in `why`."""

    number: int
    files: dict[str, str]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Saved:
    """Answers Save: the path of the clip, or "" and the reason in `why`."""

    number: int
    path: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Delivered:
    """Answers Deliver: the takes, best first; those that are only played have no path. `seconds`: the time for shaping and
    writing."""

    serial: int
    takes: tuple[TakeFile, ...]
    seconds: float
    playable: str = ""  # a file with the best take's samples for the player, if it is to be played


@dataclass(frozen=True, slots=True)
class Early:
    """A file with the next samples of a clip that is played while it is decoded. `frames`: of the whole clip."""

    serial: int
    file: str
    sample_rate: int
    frames: int
    last: bool


@dataclass(frozen=True, slots=True)
class Written:
    """One of several takes is in the folder; also a sign of life."""

    serial: int


OFF_TEMPO = "off_tempo"  # the code of a clip whose tempo may be right with another seed


@dataclass(frozen=True, slots=True)
class Undelivered:
    """Answers Deliver: no clip, with an error's code and sentence. `details` go into the log."""

    serial: int
    code: str
    why: str
    details: str = ""
