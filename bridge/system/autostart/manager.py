"""What starts a program at log-in: the part of an operating system that `clipbridge autostart` talks to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class State:
    """`on`: it starts at log-in. `running`: it runs now, started by this manager. `exit_code`: how it ended last, None if that
    is unknown."""

    on: bool
    running: bool
    exit_code: int | None = None


class Manager(Protocol):
    """Turns the service on and off. `name`: what it is, for people. `place`: the file, or the key, that it reads. `on` starts the
    daemon too, and `off` stops it; both may be repeated. They raise FolderError or SystemRefused."""

    name: str

    @property
    def place(self) -> str: ...
    def on(self) -> None: ...
    def off(self) -> None: ...
    def state(self) -> State: ...
