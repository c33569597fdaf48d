"""The steps of a scenario."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Ref:
    """A value that is only known while the scenario runs: `port:daemon`, `port:CLIENT`, `folder`, `path:NAME` (saved by a step)."""

    name: str


@dataclass(frozen=True)
class Step:
    """A datagram from client `by`: `address` and `values`, or `raw` bytes described by `note`.

    The player then waits until `at` (by default the sender) has received one of `until`, with `match` as its first values, `times`
    times. Then it reads everything that reaches any client before the answer to a ping; so without `until`, immediate answers only.
    `save`: remember `path:NAME` or `voice`. `fold`: count replies of one kind in a row.
    """

    address: str = ""
    values: tuple[Any, ...] = ()
    by: str = "a"
    until: tuple[str, ...] = ()
    at: str = ""
    times: int = 1
    match: tuple[Any, ...] = ()
    save: str = ""
    raw: bytes | None = None
    note: str = ""
    repeat: int = 1
    fold: bool = False


@dataclass(frozen=True)
class Listen:
    """Wait without a request; messages since the last request count."""

    until: tuple[str, ...]
    by: str = "a"
    times: int = 1
    match: tuple[Any, ...] = ()


@dataclass(frozen=True)
class File:
    """Write a file to the `inbox` or to the user's `presets`; `text` None: remove it."""

    place: str
    name: str
    text: str | None
    until: tuple[str, ...] = ()
    match: tuple[Any, ...] = ()
    times: int = 1
    by: str = "a"


@dataclass(frozen=True)
class Lines:
    """The JSON lines of these `events` since the scenario started (`all`: since the daemon started), after the line `until`."""

    events: tuple[str, ...]
    until: dict[str, Any] = field(default_factory=dict)
    all: bool = False


@dataclass(frozen=True)
class KillPlayer:
    """Kill the player process."""


@dataclass(frozen=True)
class Scenario:
    """`daemon`: `small` (untrained, no audio), `starter`, `stage` (untrained, an open device), `cold` or `again` (see the test).
    `random_seeds`: the daemon chooses the seeds."""

    daemon: str
    steps: tuple[Step | Listen | File | Lines | KillPlayer, ...]
    random_seeds: bool = False
