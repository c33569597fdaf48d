"""What a scenario is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Ref:
    """A value that is known only when the scenario is played: `port:daemon`, `port:CLIENT`, `folder`, `path:NAME` (kept by a step)."""

    name: str


@dataclass(frozen=True)
class Step:
    """A datagram from client `by`: `address` and `values`, or `raw` bytes with a `note` on what they are.

    Then it is read until one of `until` whose first values are `match` came `times` times to `at` (the sender if it is not said), and,
    in any case, all that comes to any client before it has its answer to a ping: without `until`, what is answered at once, or silence.
    `keep`: remember `path:NAME` or `voice`. `fold`: replies of a kind in a row are counted.
    """

    address: str = ""
    values: tuple[Any, ...] = ()
    by: str = "a"
    until: tuple[str, ...] = ()
    at: str = ""
    times: int = 1
    match: tuple[Any, ...] = ()
    keep: str = ""
    raw: bytes | None = None
    note: str = ""
    repeat: int = 1
    fold: bool = False


@dataclass(frozen=True)
class Listen:
    """Wait, without a request; what came since the last one counts."""

    until: tuple[str, ...]
    by: str = "a"
    times: int = 1
    match: tuple[Any, ...] = ()


@dataclass(frozen=True)
class File:
    """A file is put into the `inbox` or among the user's `presets`; None: it is removed."""

    place: str
    name: str
    text: str | None
    until: tuple[str, ...] = ()
    match: tuple[Any, ...] = ()
    times: int = 1
    by: str = "a"


@dataclass(frozen=True)
class Lines:
    """The JSON lines of these `events` since the scenario began (`all`: since the daemon began), once the line `until` is among them."""

    events: tuple[str, ...]
    until: dict[str, Any] = field(default_factory=dict)
    all: bool = False


@dataclass(frozen=True)
class KillPlayer:
    """The process that plays is killed."""


@dataclass(frozen=True)
class Scenario:
    """`daemon`: `small` (untrained, no audio), `starter`, `stage` (untrained, an open device), `cold` or `again` (see the test).
    `drawn`: the daemon draws the seeds."""

    daemon: str
    steps: tuple[Step | Listen | File | Lines | KillPlayer, ...]
    drawn: bool = False
