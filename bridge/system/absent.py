"""A process that is not there: for what runs without a player."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Absent:
    """A Worker (see supervise.py) that never starts: what is sent to it is dropped."""

    def __init__(self) -> None:
        self.on_message: Callable[[Any], None] = lambda message: None
        self.on_death: Callable[[str, bool], None] = lambda reason, given_up: None

    def start(self) -> None:
        """See Worker, as for all methods."""

    def send(self, message: Any) -> None: ...

    def watch(self, budget_s: float | None, doing: str = "") -> None: ...

    def tick(self) -> None: ...

    def settled(self) -> None: ...

    def change(self, **options: Any) -> None: ...

    def restart(self) -> None: ...

    async def close(self, timeout_s: float = 3.0) -> None: ...
