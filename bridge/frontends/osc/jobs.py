"""The addresses for jobs: ask for clips, ask again, cancel. And `then`, a message to a third program when a clip is done."""

from __future__ import annotations

import functools
import os
import secrets
from pathlib import Path

from bridge.core import sources
from bridge.domain import then
from bridge.domain.ask import FIELDS, Ask
from bridge.domain.events import JobEvent
from bridge.domain.job import Job, JobId
from bridge.domain.recipe import Recipe
from bridge.errors import BadArgument, BadRecipe, ClipbridgeError, IdTaken, Silenced
from bridge.files import same_file
from bridge.files.reading import recipe_from_file
from bridge.frontends.osc import arguments as args
from bridge.frontends.osc import asks
from bridge.frontends.osc.answers import MAX_WHY, Osc, Request
from bridge.frontends.osc.arguments import KEYS
from bridge.frontends.osc.asks import AskMessage
from bridge.frontends.osc.library import library_of
from bridge.frontends.osc.socket import exact
from bridge.frontends.osc.subscribers import Target
from bridge.system.spelling import on_disk


def generate(osc: Osc, request: Request) -> None:
    """/bridge/generate"""
    _generate(osc, asks.read(request), request)


def trigger(osc: Osc, request: Request) -> None:
    """/bridge/trigger"""
    settings = osc.settings.of(request.machine)
    message = AskMessage(settings.pop("prompt", ""), settings.pop("seconds", None), settings)
    if not message.prompt and not message.has_source:
        message.fault = BadArgument("There is no prompt yet: send /bridge/set/prompt first.")
    _generate(osc, message, request)


def _generate(osc: Osc, message: AskMessage, request: Request) -> None:
    job_id, sender = message.job_id(), request.sender
    target = (sender[0], message.reply_port() or sender[1])
    try:
        if target[1] == osc.port:
            target = sender
            osc.check_port(osc.port)
        ask = message.ask()
        if ask.then_port == osc.port:
            raise BadArgument(f"then_port {osc.port} is the port of Clipbridge itself; give the other program's.")
        if ask.then is not None and ask.sink == "audio":
            raise BadArgument("then is for a file, and sink audio makes none: leave one of them out.")
    except ClipbridgeError as error:
        refuse_job(osc, target, job_id, error)
        return

    def make(ask: Ask) -> None:
        _acknowledge(osc, target, *osc.core.generate(ask, sender[0], job_id, target))

    osc.with_source(ask, request, make, functools.partial(refuse_job, osc, target, job_id), job_id)


def recall(osc: Osc, request: Request) -> None:
    """/bridge/recall"""
    arguments, sender = request.arguments, request.sender
    if len(arguments) not in (1, 3) or not isinstance(arguments[0], str) or arguments[1:2] not in ([], ["id"]):
        raise BadArgument(f"{request.address} wants the path of a clip, then perhaps id and your name for the job.")
    job_id = KEYS["id"].check(arguments[2]) if len(arguments) == 3 else None
    refuse = functools.partial(refuse_job, osc, sender, job_id)
    if (number := sources.clip_number(arguments[0])) is not None:
        find = functools.partial(library_of(osc).clip_file, number)
    elif not request.is_local:  # the answer tells which files exist
        raise BadArgument(
            "A clip can be recalled by its path from this machine only: send clip: and its number, as /bridge/clip has it."
        )
    elif not Path(arguments[0]).is_absolute():  # it would be looked for in the folder that Clipbridge was started in
        refuse(BadRecipe(f"{arguments[0]!r} is not a whole path: send it as /bridge/done and /bridge/clip state it."))
        return
    else:
        find = functools.partial(Path, arguments[0])

    def make(recipe: Recipe) -> None:
        _acknowledge(osc, sender, *osc.core.recall(recipe, sender[0], job_id, sender))

    def read() -> Recipe:
        file = find()
        try:
            made = recipe_from_file(file)
        except BadRecipe:
            library = osc.core.library
            if library is None or not os.path.isfile(on_disk(file)) or (known := library.recipe_of(file)) is None:
                raise
            made = known
        if made.prompt.source is not None:
            same_file.check(made.prompt.source)
        return made

    osc.off_loop(read, make, sender, request.address, refuse)


def _acknowledge(osc: Osc, target: Target, job: Job, is_new: bool) -> None:
    """Send a repeated ask the job's last event again; a new job has sent its own."""
    if not is_new and job.last_event is not None:
        osc.send_event(target, job.last_event)


def refuse_job(osc: Osc, target: Target, job_id: JobId | None, error: ClipbridgeError) -> None:
    """Send /bridge/failed, or /bridge/cancelled, with an id made for the refusal if there is none to use."""
    # A refusal must not use the id of another, unfinished job, which ends only once.
    refused = secrets.token_hex(4) if job_id is None or isinstance(error, IdTaken) else exact(job_id)
    if isinstance(error, Silenced):
        osc.send(target, "/bridge/cancelled", refused)
        return
    osc.send(target, "/bridge/failed", refused, error.code, str(error)[:MAX_WHY])


def set_key(osc: Osc, request: Request) -> None:
    """/bridge/set/<key>"""
    name, arguments = request.key, request.arguments
    if name == "id":
        raise BadArgument("An id cannot be remembered: each trigger is a new job with an id of its own.")
    if name not in ("prompt", "seconds") and name not in KEYS:
        raise asks.unknown_key(name)
    settings = osc.settings.of_writer(request.machine)
    if not arguments:
        settings.pop(name, None)
        return
    if name in KEYS and KEYS[name].kind == "flag":
        arguments = arguments[:1]  # a button may send more
    if len(arguments) > 1 and name not in ("prompt", "negative"):
        raise BadArgument(f"{request.address} takes one value.")
    value = arguments[0] if len(arguments) == 1 else args.joined(arguments)
    if name == "prompt":
        settings[name] = args.prompt(value)
    elif name == "seconds":
        settings[name] = args.value(FIELDS["seconds"], value)
    else:
        checked = args.value(KEYS[name], value)
        if name == "preset":
            osc.core.presets.get(checked)
        settings[name] = checked


def job(osc: Osc, request: Request) -> None:
    """/bridge/job"""
    if len(request.arguments) != 1:
        raise BadArgument("/bridge/job wants one id.")
    job = osc.core.jobs.get(request.machine, KEYS["id"].check(request.arguments[0]))
    if job.last_event is not None:
        osc.send_event(request.sender, job.last_event)


def queue(osc: Osc, request: Request) -> None:
    """/bridge/queue"""
    jobs = osc.core.queue()
    osc.send(request.sender, "/bridge/queue/count", len(jobs))
    for job, position, eta_seconds in jobs:
        facts = {"id": exact(job.id), "position": position, "prompt": job.prompt.text, "seconds": job.prompt.seconds}
        facts |= {"eta_seconds": round(eta_seconds, 3), "yours": int(job.owner == request.machine)}
        osc.reply(request.sender, "/bridge/queue/job", facts)


def cancel(osc: Osc, request: Request) -> None:
    """/bridge/cancel"""
    arguments, sender = args.without_press(request.arguments), request.sender
    if arguments is None:
        return
    if len(arguments) > 1:
        raise BadArgument("/bridge/cancel wants one id, or none for all jobs of your machine.")
    cancelled = osc.core.cancel(request.machine, KEYS["id"].check(arguments[0]) if arguments else None)
    for job in cancelled:
        if job.reply_to != sender and sender not in osc.subscribers:
            osc.send(sender, "/bridge/cancelled", exact(job.id))
    if not cancelled:
        osc.send(sender, "/bridge/cancelled")


def send_then(osc: Osc, event: JobEvent) -> None:
    """Send another program of the asker's machine the message that the key `then` of a finished job holds, if any."""
    if event.ask.then is None or event.ask.then_port is None:
        return
    message = then.parse(event.ask.then)
    try:
        values = message.filled(event.facts())
    except BadArgument as error:  # the id is not a number, where the message needs one
        for target in osc.subscribers.audience(event.reply_to):
            osc.refuse(target, "/bridge/generate", error)
    else:
        osc.send((event.owner, event.ask.then_port), message.address, *values)
