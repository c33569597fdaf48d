"""The daemon's events, a frozen dataclass each, and the listener that gets them all.

A new event is a class here, a `publish` where it happens and, if OSC clients should get it, a row in
`frontends/osc/replies.py`. JSON lines take its name and fields from the class.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from bridge.domain.ask import Ask
from bridge.domain.clip import Prompt
from bridge.domain.model import Model

JobId = int | float | str

INTERNAL = {"internal": True}  # metadata of a field that is not sent to other programs
WORD_BOUNDARY = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. `reply_to`: the asker, in the form of its frontend; None if there is none."""

    reply_to: Any = field(default=None, kw_only=True, metadata=INTERNAL)

    def label(self) -> str:
        """The event's name for other programs: its class name in words, without a final `Changed`."""
        return WORD_BOUNDARY.sub(" ", type(self).__name__.removesuffix("Changed")).lower()

    def facts(self) -> dict[str, Any]:
        """The names and values to send to other programs, in the order of the fields."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if not f.metadata}


Publish = Callable[[Event], None]


class Listener(Protocol):
    """A frontend or a terminal. Called on the event loop; must not block."""

    def on_event(self, event: Event) -> None: ...


# ---- the daemon ----


@dataclass(frozen=True, slots=True)
class Started(Event):
    """The daemon accepts asks. `faults`: a sentence for each preset that was skipped."""

    version: str
    osc_port: int
    folder: Path
    state: str
    faults: tuple[str, ...] = field(default=(), metadata=INTERNAL)


@dataclass(frozen=True, slots=True)
class Stopped(Event):
    """The daemon has ended."""


@dataclass(frozen=True, slots=True)
class StateChanged(Event):
    """`state`: loading, warming, ready, restarting, waiting, failed or stopping. `model`: the checkpoint, once it is loaded."""

    state: str
    why: str = ""
    model: Model | None = field(default=None, metadata=INTERNAL)


@dataclass(frozen=True, slots=True)
class Preparing(Event):
    """The engine has finished `done` of `total` steps of `phase` (loading, warming, or improving between jobs); `what` is next."""

    phase: str
    done: int
    total: int
    what: str


# ---- jobs and kits ----


@dataclass(frozen=True, slots=True)
class JobEvent(Event):
    """Something happened to a job. `kind`: queued, progress, take, done, failed or cancelled, the last part of the OSC
    address. `fields` are in the order of the OSC table. `serial` is unique, `job_id` is the asker's."""

    kind: str
    job_id: JobId
    fields: dict[str, Any]
    serial: int
    owner: str
    ask: Ask
    prompt: Prompt

    @property
    def terminal(self) -> bool:
        return self.kind in ("done", "failed", "cancelled")

    def label(self) -> str:
        """The kind alone."""
        return self.kind

    def facts(self) -> dict[str, Any]:
        """The id, then the fields."""
        return {"id": self.job_id, **self.fields}


@dataclass(frozen=True, slots=True)
class KitEvent(Event):
    """Something happened to a kit. `kind`: queued, sound, progress, done or failed, the last part of the OSC address. `fields` are
    in the order of the OSC table."""

    kind: str
    name: str
    fields: dict[str, Any]

    def label(self) -> str:
        """`kit done`, for example."""
        return f"kit {self.kind}"

    def facts(self) -> dict[str, Any]:
        """The name, then the fields."""
        return {"name": self.name, **self.fields}


@dataclass(frozen=True, slots=True)
class LearnEvent(Event):
    """Something happened to a folder that is learned. `kind`: begun, reading, skipped, read, progress, clip, done or failed, the last part
    of the OSC address. `fields` are in the order of the OSC table."""

    kind: str
    name: str
    fields: dict[str, Any]

    def label(self) -> str:
        """`learn done`, for example."""
        return f"learn {self.kind}"

    def facts(self) -> dict[str, Any]:
        """The name, then the fields."""
        return {"name": self.name, **self.fields}


@dataclass(frozen=True, slots=True)
class Cropped(Event):
    """A part of the audio file at `path` is in the new file at `new_path`."""

    path: str
    new_path: str
    seconds: float
    frames: int
    sample_rate: int
    channels: int


# ---- sound ----


@dataclass(frozen=True, slots=True)
class VoiceChanged(Event):
    """A voice began, ended, or is waiting for its moment (`state`). `path`: of the file that it plays, if it was asked for by path."""

    voice: int
    state: str
    why: str = ""
    path: str = ""

    def facts(self) -> dict[str, Any]:
        """The path only if there is one."""
        facts = Event.facts(self)
        return facts if self.path else {name: facts[name] for name in ("voice", "state", "why")}


@dataclass(frozen=True, slots=True)
class AudioChanged(Event):
    """The audio device is open, lost, unusable or failed (`state`)."""

    state: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class CueChanged(Event):
    """The cue, if it has a pair or a device of its own, is open, lost, unusable or failed (`state`)."""

    state: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class PadChanged(Event):
    """A pad is empty, filling (`value` 0 to 1) or ready (`value`: the number of fresh takes). `repeated`: the number of takes that
    sound again in turn while none is fresh."""

    pad: int
    state: str = "empty"
    value: float = 0.0
    fresh: int = 0
    repeated: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class PadSet(Event):
    """A pad got this prompt and these keys, or was locked or unlocked; "": it is empty."""

    pad: int
    prompt: str = ""
    locked: int = 0
    keys: dict[str, Any] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """The keys come last, by their own names."""
        return {"pad": self.pad, "prompt": self.prompt, "locked": self.locked, **self.keys}


@dataclass(frozen=True, slots=True)
class PadVoice(Event):
    """A voice of a pad began, ended, or is waiting for its moment (`state`)."""

    pad: int
    voice: int
    state: str


@dataclass(frozen=True, slots=True)
class PadSaved(Event):
    """A pad's take was saved at `path`; if `path` is empty, `why` says why not."""

    pad: int
    path: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class StreamChanged(Event):
    """The stream is filling, playing, thin or off (`state`), with `ahead_s` seconds of audio buffered."""

    state: str
    ahead_s: float
    why: str = ""


# ---- frontends and files ----


@dataclass(frozen=True, slots=True)
class MidiChanged(Event):
    """The MIDI input is open, waiting for its port, or unusable (`state`)."""

    state: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class WebOpened(Event):
    """`oscquery`: where other programs read the tree of all addresses. `touch`: the link that opens the touch page, with its token.
    Each is empty if it is off. `elsewhere`: whether other machines can reach them."""

    oscquery: str
    touch: str
    elsewhere: bool = field(default=False, metadata=INTERNAL)


@dataclass(frozen=True, slots=True)
class PresetChanged(Event):
    """An edited preset is ready, broken or gone (`state`)."""

    name: str
    state: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class InboxChanged(Event):
    """The inbox is open or closed, or a file in it has begun, is done, failed, withdrawn or stuck (`state`). `what`: the
    file, its report, or the reason."""

    state: str
    what: str
