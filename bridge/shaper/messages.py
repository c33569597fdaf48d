"""What the front and the shaper process say to each other. No NumPy here: the front imports this module."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain.clip import Model, Piece, Prompt, TakeFile
from bridge.domain.kit import Kit

TARGET = "bridge.shaper.process:main"


# ---- front → shaper ----
@dataclass(frozen=True, slots=True)
class Samples:
    serial: int
    piece: Piece


@dataclass(frozen=True, slots=True)
class Begin:
    """A clip is to be heard while it is still being decoded: its pieces follow."""

    serial: int
    prompt: Prompt
    model: Model


@dataclass(frozen=True, slots=True)
class Deliver:
    """All pieces of a job were sent: shape them and put them into the folder."""

    serial: int
    prompt: Prompt
    model: Model
    scores: tuple[float, ...]
    sink: str = "folder"  # or audio, both, pad, stream
    heard: bool = False  # its pieces went to the player already
    only: int = 0  # this take alone; 0: all
    insist: bool = False  # deliver it also if its tempo is not what was asked for


@dataclass(frozen=True, slots=True)
class Drop:
    """Forget what was sent of this job."""

    serial: int


@dataclass(frozen=True, slots=True)
class Keep:
    """Put the samples of a file (as `numpy.save` writes them) into the folder after all. `number` comes back in Kept."""

    number: int
    file: str
    prompt: Prompt
    model: Model


@dataclass(frozen=True, slots=True)
class Claim:
    """Make a folder that nobody has yet: `kits/slug` in the sample folder, or `kits/slug-2` …"""

    number: int
    slug: str


@dataclass(frozen=True, slots=True)
class Map:
    """Write the mappings of a kit into its sub-folder: all its samples are there."""

    number: int
    folder: str
    kit: Kit


@dataclass(frozen=True, slots=True)
class Leave:
    """Nothing more comes into this sub-folder: remove it if it is empty. Not answered."""

    folder: str


# ---- shaper → front ----
@dataclass(frozen=True, slots=True)
class Claimed:
    """The sub-folder, and the same as an absolute path with `/`; or "" and why there is none."""

    number: int
    folder: str
    path: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Mapped:
    """The mappings by the names of their formats (absolute paths with `/`); or none and why."""

    number: int
    files: dict[str, str]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """The path of the clip, or "" and why there is none."""

    number: int
    path: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Delivered:
    """The takes lie in the folder, best first, or have no path where they are only to be heard. `seconds`: what shaping
    and writing took."""

    serial: int
    takes: tuple[TakeFile, ...]
    seconds: float
    playable: str = ""  # a file with the best take's samples for the player, if it is to be heard


@dataclass(frozen=True, slots=True)
class Early:
    """A file with the next samples of a clip that is heard while it is decoded, of `frames` in all."""

    serial: int
    file: str
    sample_rate: int
    frames: int
    last: bool


@dataclass(frozen=True, slots=True)
class Written:
    """A sign of life: one of several takes is in the folder."""

    serial: int


OFF_TEMPO = "off_tempo"  # the code of a clip that may be better when it is made once more


@dataclass(frozen=True, slots=True)
class Undelivered:
    """No clip: an error's code and sentence. `details` are for the log."""

    serial: int
    code: str
    why: str
    details: str = ""
