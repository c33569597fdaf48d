"""The link to the shaper process: requests and samples go out, finished clips come back."""

from __future__ import annotations

from typing import Any, Protocol

from bridge.domain.clip import Piece
from bridge.domain.job import Job
from bridge.shaper import messages
from bridge.system.supervise import Worker

SHAPING_BUDGET_S = 60.0

FileMessage = messages.Measure | messages.CropFile | messages.InspectSource | messages.Keep


class ShaperListener(Protocol):
    """What the link reports."""

    def on_early(self, message: messages.Early) -> None: ...
    def on_saved(self, message: messages.Saved) -> None: ...
    def on_kit(self, message: messages.Claimed | messages.Mapped) -> None: ...
    def on_file(self, message: messages.FileDone) -> None: ...
    def on_delivered(self, message: messages.Delivered) -> None: ...
    def on_undelivered(self, message: messages.Undelivered) -> None: ...
    def on_shaper_death(self, reason: str, given_up: bool) -> None: ...


class ShaperLink:
    """Sends samples and requests to `child`, and reports its answers to `listener`."""

    def __init__(self, child: Worker, listener: ShaperListener) -> None:
        self._child, self._listener = child, listener
        child.on_message, child.on_death = self._on_message, self._on_death

    def start(self) -> None:
        """Spawn the process."""
        self._child.start()

    def tick(self) -> None:
        """Supervise it."""
        self._child.tick()

    def begin(self, job: Job) -> None:
        """Announce a clip that is played while it is still being decoded."""
        assert job.model is not None
        self._child.send(messages.Begin(job.serial, job.prompt, job.model))

    def samples(self, serial: int, piece: Piece) -> None:
        """Pass on samples of a job."""
        self._child.send(messages.Samples(serial, piece))

    def deliver(self, job: Job, scores: tuple[float, ...], insist: bool) -> None:
        """Have the samples of a job shaped and written, or held for the player. `insist`: even if they are off the tempo."""
        assert job.model is not None
        self._child.watch(SHAPING_BUDGET_S, "writing a clip")
        only, sink = job.recipe.take if job.recipe else 0, job.ask.sink or "folder"
        self._child.send(messages.Deliver(job.serial, job.prompt, job.model, scores, sink, only=only, insist=insist))

    def drop(self, job: Job) -> None:
        """Discard the samples of a job that ended without a clip."""
        self._child.send(messages.Drop(job.serial))

    def save(self, message: messages.Save) -> None:
        """Save a pad's take to the folder; answered by `on_saved`."""
        self._child.send(message)

    def shape_kit(self, message: messages.Claim | messages.Map | messages.Leave) -> None:
        """Work on a kit's folder; `on_kit` answers Claim and Map."""
        if not isinstance(message, messages.Leave):
            self._child.watch(SHAPING_BUDGET_S, "writing a kit")
        self._child.send(message)

    def work_on_file(self, message: FileMessage) -> None:
        """Read a file; answered by `on_file`."""
        self._child.watch(SHAPING_BUDGET_S, "reading or writing a file")
        self._child.send(message)

    def rest(self) -> None:
        """Expect no answer for now."""
        self._child.watch(None)

    def restart(self) -> None:
        """Start the process again after it was given up."""
        self._child.restart()

    async def close(self) -> None:
        """End the process."""
        await self._child.close()

    def _on_message(self, message: Any) -> None:
        if isinstance(message, messages.Written):
            return  # a sign of life between two takes
        self._child.settled()
        match message:
            case messages.Early():
                self._listener.on_early(message)
            case messages.Saved():
                self._listener.on_saved(message)
            case messages.Claimed() | messages.Mapped():
                self._listener.on_kit(message)
            case messages.FileDone():
                self._listener.on_file(message)
            case messages.Undelivered():
                self._listener.on_undelivered(message)
            case messages.Delivered():
                self._listener.on_delivered(message)

    def _on_death(self, reason: str, given_up: bool) -> None:
        self._child.watch(None)
        self._listener.on_shaper_death(reason, given_up)
