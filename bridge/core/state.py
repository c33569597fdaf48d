"""The daemon's state: loading → warming → ready, restarting in between; waiting for an engine on another machine; failed ends with a
restart on request, stopping never."""

from __future__ import annotations

import logging

from bridge.domain.events import Publish, StateChanged
from bridge.domain.model import Model
from bridge.errors import ClipbridgeError, NotReady, Stopping

log = logging.getLogger("clipbridge")


class DaemonState:
    """`name`: loading, warming, ready, restarting, waiting, failed or stopping. `why`: a sentence about it, or "". `model`: the
    checkpoint that was loaded last; None before that, and once another one is chosen."""

    def __init__(self, publish: Publish) -> None:
        self.name, self.why = "loading", ""
        self.model: Model | None = None
        self._publish = publish

    @property
    def serving(self) -> bool:
        """Whether the engine makes clips."""
        return self.name == "ready"

    def move(self, name: str, why: str = "", on_request: bool = False) -> None:
        """Change the state. `stopping` is final; only a restart `on_request` leaves `failed`."""
        final = self.name == "stopping" or (self.name == "failed" and name != "stopping" and not on_request)
        if not final and (name, why) != (self.name, self.why):
            self.name, self.why = name, why
            log.info("state %s %s", name, why)
            self._publish(StateChanged(name, why, self.model))

    def refusal(self) -> ClipbridgeError | None:
        """Why no job is accepted now; None if jobs are accepted."""
        if self.name == "stopping":
            return Stopping("Clipbridge is stopping and takes no more jobs.")
        if self.name == "failed":
            return not_ready(self.why)
        return None

    def check_open(self) -> None:
        """Raises NotReady or Stopping if no job is accepted now."""
        if (error := self.refusal()) is not None:
            raise error


def not_ready(why: str) -> NotReady:
    """The error of a job while the daemon has failed because of `why`."""
    return NotReady(f"{why} Fix it, then send /bridge/restart.")
