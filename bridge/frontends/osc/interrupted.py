"""The addresses for jobs that a crash interrupted: list them, ask for them again."""

from __future__ import annotations

import asyncio

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

    osc.off_loop(
        library.claim,
        lambda claimed: _ask_again(osc, library, claimed, request.sender),
        request.sender,
        request.address,
    )


def _ask_again(osc: Osc, library: Library, claimed: list[Interrupted], sender: Target, resumed: int = 0) -> None:
    """Ask for one job after the other, then say how many are queued again, and how many are left for another resume."""
    if not claimed:
        osc.send(sender, "/bridge/resumed", resumed, 0)
        return
    job, *rest = claimed

    def go_on(done: int) -> None:
        library.asked_again(job)
        asyncio.get_running_loop().call_soon(_ask_again, osc, library, rest, sender, resumed + done)

    def make(ask: Ask) -> None:
        osc.core.generate(ask, sender[0], None, sender, seed_drawn=job.seed_drawn)
        go_on(1)

    def refuse(error: ClipbridgeError) -> None:
        if isinstance(error, QueueFull | NotReady | Stopping):
            library.release(claimed)
            osc.send(sender, "/bridge/resumed", resumed, len(claimed))
        else:  # its preset was deleted, for example
            refuse_job(osc, sender, None, error)
            go_on(0)

    try:
        osc.core.sources.find(
            ask_of(job), sender[0], True, make, refuse
        )  # the asker could name its files when it asked
    except ClipbridgeError as error:
        refuse(error)


def ask_of(job: Interrupted) -> Ask:
    """The job's ask, checked like a received message. Raises BadArgument."""
    values = dict(job.ask)
    text, seconds = values.pop("text"), values.pop("seconds", None)
    if unknown := [name for name in values if name not in args.KEYS]:
        raise BadArgument(f"This job was asked for with {unknown[0]!r}, which this version does not know.")
    return AskMessage(text, seconds, values).ask()
