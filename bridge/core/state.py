"""The daemon's state: loading → warming → ready, restarting in between; failed and stopping are left on request or never."""

from __future__ import annotations

import logging

from bridge.domain.events import Publish, StateChanged
from bridge.domain.model import Model
from bridge.errors import ClipbridgeError, NotReady, Stopping

log = logging.getLogger("clipbridge")


class DaemonState:
    """`name` is loading, warming, ready, restarting, failed or stopping; `why` is a sentence where there is one to say."""

    def __init__(self, publish: Publish) -> None:
        self.name, self.why = "loading", ""
        self._publish = publish

    @property
    def serving(self) -> bool:
        """Whether the engine makes clips."""
        return self.name == "ready"

    def move(self, name: str, why: str = "", model: Model | None = None, on_request: bool = False) -> None:
        """Change the state. `stopping` is final, and `failed` is left by a restart `on_request` only."""
        final = self.name == "stopping" or (self.name == "failed" and name != "stopping" and not on_request)
        if not final and (name, why) != (self.name, self.why):
            self.name, self.why = name, why
            log.info("state %s %s", name, why)
            self._publish(StateChanged(name, why, model))

    def refusal(self) -> ClipbridgeError | None:
        """Why no job is accepted now; None if jobs are accepted."""
        if self.name == "stopping":
            return Stopping("Clipbridge is stopping and takes no more jobs.")
        if self.name == "failed":
            return NotReady(f"{self.why} Fix it, then send /bridge/restart.")
        return None

    def check_open(self) -> None:
        """Raises NotReady or Stopping if no job is accepted now."""
        if (error := self.refusal()) is not None:
            raise error
