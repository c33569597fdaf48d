"""The addresses for jobs that a crash interrupted: list them, ask for them again."""

from __future__ import annotations

from bridge.domain.ask import Ask
from bridge.errors import BadArgument, ClipbridgeError, NotReady, QueueFull, Stopping
from bridge.frontends.osc import arguments as args
from bridge.frontends.osc.answers import Osc, Request
from bridge.frontends.osc.asks import AskMessage
from bridge.frontends.osc.jobs import refuse_job
from bridge.frontends.osc.library import library_of
from bridge.frontends.osc.subscribers import Target
from bridge.library.library import Library
from bridge.library.records import Interrupted


def interrupted(osc: Osc, request: Request) -> None:
    """/bridge/interrupted"""

    def send(jobs: list[Interrupted]) -> None:
        osc.send(request.sender, "/bridge/interrupted/count", len(jobs))
        for job in jobs:
            facts = {"id": job.id, "prompt": job.text, "seconds": job.seconds, "seed": job.ask["seed"]}
            osc.reply(request.sender, "/bridge/interrupted/job", facts)

    osc.off_loop(library_of(osc).interrupted, send, request.sender, request.address)


def resume(osc: Osc, request: Request) -> None:
    """/bridge/resume"""
    library = library_of(osc)

    def ask(claimed: list[Interrupted]) -> None:
        resumed, left = _ask_again(osc, library, claimed, request.sender)
        osc.send(request.sender, "/bridge/resumed", resumed, left)

    osc.off_loop(library.claim, ask, request.sender, request.address)


def _ask_again(osc: Osc, library: Library, claimed: list[Interrupted], sender: Target) -> tuple[int, int]:
    """Returns the number of jobs that are queued again, and of those left for another resume."""
    resumed = 0
    for place, job in enumerate(claimed):
        try:
            osc.core.generate(ask_of(job), sender[0], None, sender, seed_drawn=job.seed_drawn)
            resumed += 1
        except (QueueFull, NotReady, Stopping):
            library.release(claimed[place:])
            return resumed, len(claimed) - place
        except ClipbridgeError as error:  # its preset was deleted, for example
            refuse_job(osc, sender, None, error)
        library.asked_again(job)
    return resumed, 0


def ask_of(job: Interrupted) -> Ask:
    """The job's ask, checked like a received message. Raises BadArgument."""
    values = dict(job.ask)
    text, seconds = values.pop("text"), values.pop("seconds", None)
    if unknown := [name for name in values if name not in args.KEYS]:
        raise BadArgument(f"This job was asked for with {unknown[0]!r}, which this version does not know.")
    return AskMessage(text, seconds, values).ask()
